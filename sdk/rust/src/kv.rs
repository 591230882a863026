//! A small store of the component's own, granted by `kv:` in its policy file. Refuses structure: keys and bytes.

use crate::{Error, bindings::tool::magic::proxy::kv};

/// The value, where there is one and it has not expired.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    kv::get(key).map_err(Error::from)
}

/// Stores a value, for so many seconds or until it is deleted.
pub fn set(key: &str, value: &[u8], ttl_s: Option<u32>) -> Result<(), Error> {
    kv::set(key, value, ttl_s).map_err(Error::from)
}

/// Deletes a value; deleting what is not there is no error.
pub fn delete(key: &str) -> Result<(), Error> {
    kv::delete(key).map_err(Error::from)
}

/// At most `limit` keys that begin with `prefix`.
pub fn list(prefix: &str, limit: u32) -> Result<Vec<String>, Error> {
    kv::list(prefix, limit).map_err(Error::from)
}

impl From<kv::Error> for Error {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::Denied => Self::Denied("this tool has no store: grant `kv` in its policy file".into()),
            kv::Error::TooLarge(bytes) => {
                Self::Failed(format!("a value of more than {bytes} bytes does not fit the store"))
            }
            kv::Error::Quota(bytes) => Self::Failed(format!("the store's {bytes} bytes are spent")),
            kv::Error::Io(text) => Self::Failed(format!("the store failed: {text}")),
        }
    }
}
