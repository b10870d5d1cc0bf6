//! What Rust programs send to a registry by the crate docker_credential, as Contrast's
//! genpolicy does. The registry is the only argument; one line of JSON is the answer.

use docker_credential::{get_credential, DockerCredential};
use serde_json::{json, Value};

fn main() {
    let registry = std::env::args().nth(1).expect("a registry");
    let nothing = Value::Null;
    let (username, secret, token, error) = match get_credential(&registry) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            (json!(user), json!(password), nothing.clone(), nothing)
        }
        Ok(DockerCredential::IdentityToken(token)) => {
            (nothing.clone(), nothing.clone(), json!(token), nothing)
        }
        // What a helper said may be long, and the kind of the error is all there is to it.
        Err(problem) => {
            let said = format!("{problem:?}");
            let kind = said.split([' ', '{']).next().unwrap_or_default();
            (nothing.clone(), nothing.clone(), nothing, json!(kind))
        }
    };
    println!(
        "{}",
        json!({"username": username, "secret": secret, "token": token, "error": error})
    );
}
