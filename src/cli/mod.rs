//! The command line: what was asked for, resolved, run, and told to people.
