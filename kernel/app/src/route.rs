//! How requests leave this machine: through which proxy, trusting whom, and to which machines of the local network. It is the
//! user's word, in the configuration or the environment; a project has none in it, and neither has a component.

use std::sync::Arc;

use openkoi_brokers::{
    disk,
    egress::{EgressSettings, Except, Proxies, Proxy, certificates},
};

use crate::{
    environment::{
        ALL_PROXY, Environment, HTTP_PROXY, HTTPS_PROXY, NO_PROXY, SSL_CERT_DIR, SSL_CERT_FILE,
        Variable,
    },
    error::AppError,
    settings::{RouteSettings, Settings},
};

/// The largest file of certificates, in bytes.
const LARGEST: u64 = 8 << 20;
/// The word of `network.proxy` for none, whatever the environment says.
const NONE: &str = "off";
/// The key of the proxy.
const PROXY: &str = "network.proxy";

/// The settings, and what the environment says where they do not. Where both are silent, requests go straight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    settings: RouteSettings,
    /// Text of the proxies for `http` and `https`, with where they come from.
    plain: Option<(String, &'static str)>,
    secure: Option<(String, &'static str)>,
    except: String,
}

impl Route {
    pub(crate) fn of(settings: &Settings, environment: &Environment) -> Self {
        let settings = settings.route.clone();
        let [plain, secure] = match settings.proxy.as_deref() {
            Some(NONE) => [None, None],
            Some(proxy) => [Some((proxy.to_owned(), PROXY)), Some((proxy.to_owned(), PROXY))],
            None => [&HTTP_PROXY, &HTTPS_PROXY].map(|variable| {
                let found = either(environment, variable).map(|text| (text, variable.name));
                found.or_else(|| either(environment, &ALL_PROXY).map(|text| (text, ALL_PROXY.name)))
            }),
        };
        let mut except = either(environment, &NO_PROXY).unwrap_or_default();
        except.push(',');
        except.push_str(&settings.no_proxy.join(","));
        Self { settings, plain, secure, except }
    }

    /// Returns the settings of the egress broker.
    ///
    /// # Errors
    ///
    /// A proxy is no address, or a file of certificates cannot be read.
    pub(crate) fn settings(&self) -> Result<EgressSettings, AppError> {
        Ok(EgressSettings {
            extra_roots: self.roots()?,
            proxies: self.proxies()?,
            private_hosts: self.settings.private_hosts.clone(),
            ..EgressSettings::default()
        })
    }

    /// Returns the certificates (DER) of `network.ca`.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or has none.
    pub(crate) fn roots(&self) -> Result<Vec<Vec<u8>>, AppError> {
        let mut roots = Vec::new();
        for path in &self.settings.certificates {
            let failed = |reason: String| AppError::Certificates { path: path.clone(), reason };
            let text = disk::read(path, LARGEST).map_err(|error| failed(error.to_string()))?;
            roots.extend(certificates(&text).map_err(failed)?);
        }
        Ok(roots)
    }

    /// Returns the proxies.
    ///
    /// # Errors
    ///
    /// One is no address.
    pub(crate) fn proxies(&self) -> Result<Proxies, AppError> {
        let proxy = |said: &Option<(String, &'static str)>| {
            let Some((text, from)) = said else { return Ok(None) };
            let failed = |reason| AppError::Proxy { from, reason };
            Proxy::parse(text).map(|proxy| Some(Arc::new(proxy))).map_err(failed)
        };
        let except = Except::list(&self.except);
        Ok(Proxies { plain: proxy(&self.plain)?, secure: proxy(&self.secure)?, except })
    }

    /// Says the route in one line, without secrets.
    ///
    /// # Errors
    ///
    /// As [`Route::settings`].
    pub(crate) fn words(&self, environment: &Environment) -> Result<String, AppError> {
        let settings = self.settings()?;
        let said =
            |proxy: &Option<Arc<Proxy>>, of: &Option<(String, &'static str)>, scheme: &str| {
                let (proxy, (_, from)) = proxy.as_ref().zip(of.as_ref())?;
                Some(format!("{scheme} through {proxy} ({from})"))
            };
        let proxies = &settings.proxies;
        let mut words: Vec<String> = said(&proxies.secure, &self.secure, "https")
            .into_iter()
            .chain(said(&proxies.plain, &self.plain, "http"))
            .collect();
        if words.is_empty() {
            words.push("no proxy".to_owned());
        } else if !proxies.except.is_empty() {
            let count = proxies.except.len();
            words.push(format!(
                "{count} {} without it",
                if count == 1 { "exception" } else { "exceptions" }
            ));
        }
        words.push(self.trusted(environment));
        if !self.settings.private_hosts.is_empty() {
            words.push(format!("private hosts {}", self.settings.private_hosts.join(", ")));
        }
        Ok(words.join("; "))
    }

    fn trusted(&self, environment: &Environment) -> String {
        let named = [&SSL_CERT_FILE, &SSL_CERT_DIR].into_iter().filter_map(|variable| {
            let value = environment.get(variable)?;
            Some(format!("{} ({})", value.display(), variable.name))
        });
        let named: Vec<String> = named.collect();
        let mut words = match named.is_empty() {
            true => "certificates of the system".to_owned(),
            false => format!("certificates of {}", named.join(" and ")),
        };
        for path in &self.settings.certificates {
            words.push_str(&format!(" and of {} (network.ca)", path.display()));
        }
        words
    }
}

/// Returns a variable, by its name in capitals or in small letters: programs know both.
fn either(environment: &Environment, variable: &Variable) -> Option<String> {
    let small = variable.name.to_ascii_lowercase();
    let found = environment.named(&small).or_else(|| environment.get(variable))?;
    Some(found.to_string_lossy().trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn route<const N: usize>(settings: RouteSettings, variables: [(&str, &str); N]) -> Route {
        let environment = Environment::of(variables, Path::new("/"));
        let layers = crate::settings::Layers::default();
        let mut all = Settings::of(layers, &environment);
        all.route = settings;
        Route::of(&all, &environment)
    }

    fn shown(route: &Route) -> [Option<String>; 2] {
        let proxies = route.proxies().unwrap();
        [proxies.plain, proxies.secure].map(|proxy| proxy.map(|proxy| proxy.to_string()))
    }

    #[test]
    fn the_configuration_goes_before_the_environment_and_small_letters_before_capitals() {
        let variables = [
            ("HTTPS_PROXY", "http://big:1"),
            ("https_proxy", "http://small:1"),
            ("ALL_PROXY", "socks5://all"),
        ];
        let own =
            |proxy: &str| RouteSettings { proxy: Some(proxy.to_owned()), ..Default::default() };
        let some = |text: &str| Some(text.to_owned());

        let of_environment = route(RouteSettings::default(), variables);
        assert_eq!(shown(&of_environment), [some("socks5h://all:1080"), some("http://small:1")]);
        assert_eq!(
            shown(&route(own("own:2"), variables)),
            [some("http://own:2"), some("http://own:2")]
        );
        assert_eq!(shown(&route(own("off"), variables)), [None, None]);
        assert_eq!(shown(&route(RouteSettings::default(), [])), [None, None]);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_no_password_of_it() {
        let wrong = route(RouteSettings::default(), [("HTTPS_PROXY", "http://ada:s3cr3t@")]);
        let error = wrong.settings().unwrap_err().to_string();
        assert!(error.contains("HTTPS_PROXY") && !error.contains("s3cr3t"), "{error}");

        let gone = RouteSettings { certificates: vec!["/gone.pem".into()], ..Default::default() };
        let error = route(gone, []).settings().unwrap_err().to_string();
        assert!(error.contains("/gone.pem"), "{error}");
    }

    #[test]
    fn the_route_is_said_without_the_password() {
        let variables = [("https_proxy", "http://ada:s3cr3t@proxy.corp:3128"), ("NO_PROXY", "a,b")];
        let environment = Environment::of(variables, Path::new("/"));

        let words = route(RouteSettings::default(), variables).words(&environment).unwrap();

        let expected = "https through http://proxy.corp:3128 (HTTPS_PROXY); 2 exceptions without it; certificates of the system";
        assert_eq!(words, expected);
        let straight = route(RouteSettings::default(), []);
        let nothing = Environment::of([], Path::new("/"));
        assert_eq!(straight.words(&nothing).unwrap(), "no proxy; certificates of the system");
    }
}
