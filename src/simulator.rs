//! A simulated Safari and iPhone, which speak the real protocols to a real server.
