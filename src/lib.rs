//! synscope: who opened which TCP connection, did it open, why not, and who ended it.

pub mod capture;
pub mod cli;
pub mod decode;
pub mod detect;
pub mod engine;
pub mod flow;
pub mod flow_filter;
pub mod output;
pub mod tcp;
pub mod time;
