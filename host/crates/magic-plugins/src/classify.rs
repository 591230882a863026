//! What a file is, found by parsing and before anything is compiled: a component or a core module, whole or cut off,
//! pattern, driver or tool. Judges names only; types are the linker's matter.
use crate::component::Kind;
use crate::error::{LoadError, told};
use std::borrow::Cow;
use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

pub(crate) const STRUCTURE: &str = "get-prompt-structure";
const TOOLBOX: &str = "magic:proxy/toolbox@";
const DRIVER: &str = "magic:proxy/driver@";
const INFO: &str = "magic:proxy/pattern-info@";
/// The part of the version that must match: inside one `0.x` hosts and guests are compatible.
const LINE: &str = "0.1.";

/// Which of the exports that make a component ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    Structure,
    Driver,
    Toolbox,
}

/// A component's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) export: Export,
    /// The full name of its `pattern-info` export, if it has one.
    pub(crate) info: Option<String>,
}

struct Outline {
    encoding: Encoding,
    exports: Vec<String>,
    imports: Vec<String>,
    has_component_type: bool,
}

/// The component in `bytes`, encoded from a core module where it is one with a component type.
pub(crate) fn component(bytes: &[u8], bytes_max: usize) -> Result<Cow<'_, [u8]>, LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    if bytes.len() > bytes_max {
        return Err(LoadError::TooLarge { bytes: bytes.len(), bytes_max });
    }
    let outline = outline(bytes)?;
    match outline.encoding {
        Encoding::Component => Ok(Cow::Borrowed(bytes)),
        Encoding::Module if outline.has_component_type => encode(bytes, &outline).map(Cow::Owned),
        Encoding::Module => Err(LoadError::BareModule),
    }
}

/// What the component exports, as far as it concerns us, and whether it lies in the folder of its kind.
pub(crate) fn shape(component: &[u8], folder: Option<Kind>) -> Result<Found, LoadError> {
    let exports = outline(component)?.exports;
    let ours: Vec<_> = exports.iter().filter_map(|name| Some((Export::of(name)?, name))).collect();
    let export = match ours.as_slice() {
        [] => return Err(LoadError::NoShape { exports: told(&listed(&exports)) }),
        [(Export::Structure, _)] => Export::Structure,
        [(export @ (Export::Driver | Export::Toolbox), name)] => {
            of_our_line(name)?;
            *export
        }
        [_, _, ..] => return Err(LoadError::TwoShapes),
    };
    let info = exports.into_iter().find(|name| name.starts_with(INFO));
    if let Some(export) = &info {
        of_our_line(export)?;
    }
    in_its_folder(export.kind(), folder)?;
    Ok(Found { export, info })
}

fn of_our_line(export: &str) -> Result<(), LoadError> {
    match export.split_once('@') {
        Some((_, version)) if version.starts_with(LINE) => Ok(()),
        Some(_) | None => Err(LoadError::Version { found: told(&export) }),
    }
}

fn in_its_folder(kind: Kind, folder: Option<Kind>) -> Result<(), LoadError> {
    match folder {
        Some(folder) if folder != kind => {
            Err(LoadError::WrongFolder { found: kind.as_str(), folder: folder.folder(), cure: kind.folder() })
        }
        Some(_) | None => Ok(()),
    }
}

fn listed(exports: &[String]) -> String {
    match exports.is_empty() {
        true => "nothing".to_owned(),
        false => exports.iter().take(8).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

fn encode(module: &[u8], outline: &Outline) -> Result<Vec<u8>, LoadError> {
    if outline.imports.iter().any(|name| name.starts_with("wasi_snapshot_preview1")) {
        let text = "it imports WASI preview 1, which needs an adapter: build for `wasm32-unknown-unknown`, or turn it \
                    into a component with `wasm-tools component new --adapt`";
        return Err(LoadError::Encode(text.to_owned()));
    }
    let encoder = ComponentEncoder::default().module(module);
    encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| LoadError::Encode(told(&error)))
}

fn outline(bytes: &[u8]) -> Result<Outline, LoadError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(not_wasm(bytes));
    }
    let mut outline =
        Outline { encoding: Encoding::Module, exports: Vec::new(), imports: Vec::new(), has_component_type: false };
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| refused(&error, bytes))?;
        match &payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // Only the outermost level says what the file is.
            payload if depth == 0 => outline.read(payload).map_err(|error| refused(&error, bytes))?,
            _ => {}
        }
    }
    Ok(outline)
}

// === impl Export ===
impl Export {
    fn of(name: &str) -> Option<Self> {
        match name {
            STRUCTURE => Some(Self::Structure),
            name if name.starts_with(DRIVER) => Some(Self::Driver),
            name if name.starts_with(TOOLBOX) => Some(Self::Toolbox),
            _ => None,
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Structure | Self::Driver => Kind::Pattern,
            Self::Toolbox => Kind::Tool,
        }
    }
}

// === impl Outline ===
impl Outline {
    fn read(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::Version { encoding, .. } => self.encoding = *encoding,
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    self.imports.push(import?.module.to_owned());
                }
            }
            Payload::CustomSection(section) => {
                self.has_component_type |= section.name().starts_with("component-type");
            }
            _ => {}
        }
        Ok(())
    }
}

fn not_wasm(bytes: &[u8]) -> LoadError {
    // Fewer than the four bytes of the magic, all of them right: a file that is still being written.
    if b"\0asm".starts_with(bytes) {
        return LoadError::Truncated { bytes: bytes.len() };
    }
    let start =
        bytes.iter().take(8).flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect::<String>();
    LoadError::NotWasm { start: format!("`{start}`") }
}

fn refused(error: &wasmparser::Error, bytes: &[u8]) -> LoadError {
    match error.message().contains("end-of-file") {
        true => LoadError::Truncated { bytes: bytes.len() },
        false => LoadError::Invalid(told(error)),
    }
}
