//! Statements of several parts as text with values between.
//!
//! They are prepared once per connection, which `sql_query` and diesel's updates never are, and
//! they can take arrays.

/// Pushes text and bound values, such as `"WHERE org_id = " [Uid: org] " AND seq > " [BigInt: n]`;
/// several values in one pair of brackets are a list with commas.
macro_rules! fragment {
    ($out:ident;) => {};
    ($out:ident; $text:literal $($rest:tt)*) => {
        $out.push_sql($text);
        fragment!($out; $($rest)*);
    };
    ($out:ident; [$kind:ty: $value:expr $(, $kinds:ty: $values:expr)* $(,)?] $($rest:tt)*) => {
        $out.push_bind_param::<$kind, _>($value)?;
        $(
            $out.push_sql(", ");
            $out.push_bind_param::<$kinds, _>($values)?;
        )*
        fragment!($out; $($rest)*);
    };
}

pub(crate) use fragment;
