//! Placeholders in the base URLs of a manifest, such as `{region}`.

/// Returns the placeholders of a base URL.
pub(crate) fn placeholders(url: &str) -> impl Iterator<Item = &str> {
    url.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}
