//! What was asked for, and whether it was met.

/// A figure with its limit.
struct Goal {
    text: String,
    figure: f64,
    limit: f64,
    /// Whether it was met before, and missing it is a failure.
    held: bool,
}

/// All of them, in order.
#[derive(Default)]
pub struct Goals(Vec<Goal>);

impl Goals {
    /// `figure` should be at most `limit`.
    pub fn at_most(&mut self, text: &str, figure: f64, limit: f64) {
        self.0.push(Goal { text: text.to_owned(), figure, limit, held: false });
    }

    /// `figure` is at most `limit`, or something broke.
    pub fn still_at_most(&mut self, text: &str, figure: f64, limit: f64) {
        self.0.push(Goal { text: text.to_owned(), figure, limit, held: true });
    }

    /// `true` is wanted.
    pub fn holds(&mut self, text: &str, holds: bool) {
        self.at_most(text, if holds { 0.0 } else { 1.0 }, 0.0);
    }

    /// Prints them; whether none was missed that was met before.
    pub fn print(&self) -> bool {
        println!("\nGoals");
        for Goal { text, figure, limit, held } in &self.0 {
            let verdict = match (figure <= limit, held) {
                (true, _) => "met",
                (false, false) => "missed",
                (false, true) => "BROKEN",
            };
            if *limit == 0.0 {
                println!("  {verdict:<7} {text}");
            } else {
                println!("  {verdict:<7} {text}: {figure:.2}, at most {limit}");
            }
        }
        self.0.iter().all(|goal| !goal.held || goal.figure <= goal.limit)
    }
}
