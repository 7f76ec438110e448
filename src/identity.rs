//! Who is this: sign-in methods and their accounts.
