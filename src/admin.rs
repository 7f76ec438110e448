//! The console: inventory and audit trail, for staff.
