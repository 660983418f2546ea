//! Link layers: one file each, registered in `LINK_LAYERS`.
