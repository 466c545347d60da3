//! The text form that all patterns have.

/// Gives a pattern type its text form in serde, `TryFrom<String>` and `From<T> for String`.
macro_rules! text_form {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = crate::pattern::PatternError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(pattern: $type) -> Self {
                pattern.to_string()
            }
        }
    };
}
pub(super) use text_form;
