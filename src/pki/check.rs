//! Says in words what is wrong with certificates and how to mend it.
