//! What Rust programs read in the files that we render.
//!
//!     genpolicy SERVER     user and password by the crate docker_credential, which
//!                          Contrast's genpolicy asks; reads $DOCKER_CONFIG/config.json
//!     image-rs             an auth.json on stdin by the rules of image-rs: each entry
//!                          is `auth` alone, in standard base64 with its padding

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use docker_credential::DockerCredential;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: String,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["genpolicy", server] => genpolicy(server),
        ["image-rs"] => image_rs(),
        _ => Err("usage: reader genpolicy SERVER | image-rs".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn genpolicy(server: &str) -> Result<(), String> {
    match docker_credential::get_credential(server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            print!("{user}:{password}");
            Ok(())
        }
        Ok(DockerCredential::IdentityToken(_)) => Err("an identity token".into()),
        Err(problem) => Err(problem.to_string()),
    }
}

fn image_rs() -> Result<(), String> {
    let file: File = serde_json::from_reader(io::stdin()).map_err(|e| e.to_string())?;
    for (key, entry) in file.auths {
        let plain = STANDARD.decode(entry.auth).map_err(|e| e.to_string())?;
        let plain = String::from_utf8(plain).map_err(|e| e.to_string())?;
        let (user, password) = plain.split_once(':').ok_or("no colon")?;
        println!("{key} {user}:{}", password.trim_end_matches('\n'));
    }
    Ok(())
}
