//! Empty: the tests are the `all` integration binary.
