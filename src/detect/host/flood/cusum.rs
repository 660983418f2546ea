//! What adds up over periods: SYNs in excess of completions (Wang, Zhang, Shin, 2002).

/// Period of CUSUM, seconds (SYN-dog: 20; live 10).
pub(super) const PERIOD: i64 = 10;
/// CUSUM's offset and threshold (Wang, Zhang, Shin, 2002).
pub(super) const CUSUM: (f64, f64) = (0.35, 1.05);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cusum {
    pub(super) period: i64,
    pub(super) syns: u32,
    pub(super) completed: u32,
    pub(super) retried: u32,
    /// SYNs that a kernel may have sent.
    pub(super) of_a_kernel: u32,
    /// SYNs that no kernel sent.
    pub(super) raw: u32,
    pub(super) mean: f64,
    pub(super) sum: f64,
    pub(super) reported: bool,
}

/// A period at whose end the sum is above the threshold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) syns: u32,
    pub(super) completed: u32,
    pub(super) of_a_kernel: u32,
    /// SYNs that did not complete.
    pub(super) failed: f64,
    /// Clients that try again, or are refused, meet an outage: that is no part of a flood, nor of what adds up to one.
    pub(super) is_outage: bool,
    pub(super) sum: f64,
}

impl Cusum {
    /// The period that `second` is in.
    pub(super) const fn period_of(second: i64) -> i64 {
        second.div_euclid(PERIOD)
    }

    /// Ends the periods before `period`. `refused`: attempts refused lately. The period that ended, if the sum is above
    /// the threshold.
    pub(super) fn close(&mut self, period: i64, refused: u32) -> Option<Period> {
        let quiet_periods = (period - self.period - 1).min(100);
        let (syns, completed, retried, of_a_kernel) = (self.syns, self.completed, self.retried, self.of_a_kernel);
        (self.syns, self.completed, self.retried, self.of_a_kernel, self.period) = (0, 0, 0, 0, period);
        self.raw = 0;
        let completions = f64::from(completed);
        self.mean = if self.mean == 0.0 { completions } else { 0.9 * self.mean + 0.1 * completions };
        let failed = f64::from(syns - completed.min(syns));
        let is_outage = f64::from(retried) > 0.3 * failed || 2 * refused > syns;
        let x = if is_outage { 0.0 } else { (f64::from(syns) - completions) / self.mean.max(1.0) };
        self.sum = if is_outage { 0.0 } else { self.sum };
        self.sum = (self.sum + x - CUSUM.0).clamp(0.0, 10.0 * CUSUM.1);
        let sum = self.sum;
        self.sum = (self.sum - CUSUM.0 * quiet_periods as f64).max(0.0);
        if sum <= CUSUM.1 {
            self.reported = false;
            return None;
        }
        Some(Period { syns, completed, of_a_kernel, failed, is_outage, sum })
    }
}
