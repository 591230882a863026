//! `${NAME}` in the texts of a config, over injected variables. Knows nothing of paths or YAML.

/// Where variables come from. The host passes the process's environment, tests pass a closure.
pub trait Env {
    fn var(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Env for F {
    fn var(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Why a text cannot be resolved. Names variables, never their values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("variable `{name}` is not set")]
    Unset { name: String },
    #[error("`${{` without a closing `}}`")]
    Unclosed,
    #[error("{} is not the name of a variable", crate::problem::quoted(name))]
    BadName { name: String },
}

impl Unresolved {
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Unset { name } => {
                format!("set {name} in the environment, or give a default: ${{{name}:-default}}")
            }
            Self::Unclosed => "write `$$` for a dollar sign that is meant as such".to_owned(),
            Self::BadName { .. } => "names are letters, digits and `_`, and do not start with a digit".to_owned(),
        }
    }
}

/// Whether resolving would look anything up.
pub(crate) fn has_variable(text: &str) -> bool {
    text.replace("$$", "").contains("${")
}

/// `${NAME}`, `${NAME:-default}` (also where NAME is empty) and `$$` for `$`. Any other `$` stands for itself. A value is
/// put in as it is and never read again, so that a variable cannot smuggle in another. Every unset variable is listed.
pub(crate) fn resolve(text: &str, env: &dyn Env) -> Result<String, Vec<Unresolved>> {
    let mut out = String::with_capacity(text.len());
    let mut faults = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inside) = after.strip_prefix('{') {
            let Some((reference, after)) = inside.split_once('}') else {
                faults.push(Unresolved::Unclosed);
                return Err(faults);
            };
            match look_up(reference, env) {
                Ok(value) => out.push_str(&value),
                Err(fault) if faults.contains(&fault) => {}
                Err(fault) => faults.push(fault),
            }
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

fn look_up(reference: &str, env: &dyn Env) -> Result<String, Unresolved> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name) {
        return Err(Unresolved::BadName { name: name.to_owned() });
    }
    match (env.var(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Unresolved::Unset { name: name.to_owned() }),
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
