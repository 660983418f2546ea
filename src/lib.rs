//! synscope: who opened which TCP connection, did it open, why not, and who ended it.

pub mod capture;
pub mod decode;
pub mod flow;
pub mod tcp;
pub mod time;
