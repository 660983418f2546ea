//! The format that writes explanations as text.

use super::header::{self, Header};
use super::kernel::on_this_host;
use super::{Document, Locale, Particle, Topic, explain_flow, with_particle};
use crate::engine::{Event, Interest, Sink};
use crate::flow::Flow;
use crate::output::{Out, Settings, Writer};
use crate::tcp::Segment;

/// The explanation of every flow, one after the other.
pub(in crate::output) struct Explain {
    out: Out,
    settings: Settings,
    written: bool,
    /// The header of the newest segment, where headers are the topic.
    newest: Option<Header>,
    /// The header that is explained.
    chosen: Option<Header>,
}

impl Explain {
    pub(in crate::output) fn new(out: Out, settings: &Settings) -> Self {
        Self { out, settings: settings.clone(), written: false, newest: None, chosen: None }
    }

    fn segment(&mut self, segment: &Segment) {
        let header = Header::of_segment(segment);
        self.newest = Some(header);
        if self.settings.topic == Some(Topic::Header(Some(header.frame()))) {
            self.chosen = Some(header);
        }
    }

    /// Without a frame, the first segment of the first flow is the one.
    fn began(&mut self, flow: &Flow) {
        if self.settings.topic == Some(Topic::Header(None)) && self.chosen.is_none() {
            self.chosen = self.newest.filter(|header| header.frame() == flow.first_frame);
        }
    }

    fn ended(&mut self, flow: &Flow) {
        let (locale, level) = (self.settings.locale, self.settings.level.unwrap_or_default());
        match self.settings.topic {
            None => {
                let mut document = explain_flow(flow, locale, level);
                if let Some(known) = &self.settings.known {
                    on_this_host(&mut document, flow, known, locale);
                }
                self.write(&document);
            }
            // The answer to a question is written once, with the first flow as its proof; a header when all were seen.
            Some(_) if self.written => {}
            Some(Topic::Header(None)) => self.chosen = self.chosen.or_else(|| Header::of_flow(flow)),
            Some(Topic::Header(Some(_))) => {}
            Some(topic) => self.write(&topic.explain(locale, level, Some(flow))),
        }
    }

    /// The topic, if there was no flow to explain it with.
    fn end(&mut self) {
        let (locale, level) = (self.settings.locale, self.settings.level.unwrap_or_default());
        match self.settings.topic {
            Some(Topic::Header(frame)) => {
                let mut document = Document::default();
                header::explain(&mut document, self.chosen.as_ref(), locale, level);
                if let (Some(frame), None) = (frame, self.chosen) {
                    document.paragraph(match locale {
                        Locale::En => format!("Frame {frame} of this capture is no TCP segment."),
                        Locale::Ko => {
                            let frame = with_particle(frame, Particle::Topic);
                            format!("이 캡처의 프레임 {frame} TCP 세그먼트가 아닙니다.")
                        }
                    });
                }
                self.write(&document);
            }
            Some(topic) if !self.written => self.write(&topic.explain(locale, level, None)),
            _ => {}
        }
    }

    fn write(&mut self, document: &Document) {
        let gap = if self.written { "\n" } else { "" };
        self.written = true;
        self.out.buffer.extend_from_slice(gap.as_bytes());
        self.out.buffer.extend_from_slice(document.text().as_bytes());
        self.out.end_line();
    }
}

impl Sink for Explain {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Segment(segment) => self.segment(segment),
            Event::FlowStart(flow) => self.began(flow),
            Event::FlowEnd { flow, .. } => self.ended(flow),
            Event::SessionEnd { .. } => self.end(),
            _ => {}
        }
    }

    fn wants(&self) -> Interest {
        Interest::STARTS
            .union(Interest::ENDS)
            .union(Interest::SEGMENTS.when(matches!(self.settings.topic, Some(Topic::Header(_)))))
    }
}

impl Writer for Explain {
    fn out(&mut self) -> &mut Out {
        &mut self.out
    }

    fn lacks(&self) -> Option<String> {
        match (self.settings.topic, self.chosen) {
            (Some(Topic::Header(Some(frame))), None) => {
                Some(format!("frame {frame} is no TCP segment of this capture"))
            }
            _ => None,
        }
    }
}
