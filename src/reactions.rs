//! Whenever this fact, then that effect.
