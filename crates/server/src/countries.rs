//! The operator's list of addresses and countries (`brake.countries`), read at the start and on reload. Without one, nobody is in any country.

use crate::config::Config;
use ::queue::countries::{Countries, Country, LARGEST};
use arc_swap::ArcSwap;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// The list in force.
#[derive(Default)]
pub struct CountryList(ArcSwap<Countries>);

impl CountryList {
    /// Reads the file that the settings name. Blocks.
    pub fn new(config: &Config) -> CountryList {
        let list = CountryList::default();
        list.configure(config);
        list
    }

    /// Reads it again; one that cannot be used changes nothing. Blocks.
    pub fn configure(&self, config: &Config) {
        let Some(file) = &config.brake.countries else {
            self.0.store(Arc::default());
            return;
        };
        match read(file) {
            Ok(countries) => self.0.store(Arc::new(countries)),
            Err(why) => tracing::error!(
                file = %file.display(), error = why,
                "the list of countries cannot be used; what was known before still holds"
            ),
        }
    }

    /// Where an address is, if that is known.
    pub(crate) fn of(&self, address: IpAddr) -> Option<Country> {
        self.0.load().of(address)
    }
}

fn read(path: &Path) -> Result<Countries, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
        .map_err(|why| why.to_string())?;
    if text.len() as u64 > LARGEST {
        return Err(format!("it is larger than {} MB", LARGEST >> 20));
    }
    Countries::parse(&text).map_err(|why| why.to_string())
}
