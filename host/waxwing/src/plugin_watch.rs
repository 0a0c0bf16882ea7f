//! Recording a plugin, and letting another version run beside it.

use crate::wiring::Running;
use std::path::Path;
use std::sync::Arc;
use waxwing_plugins::{Engine, RecordOptions, Scope, Which};

/// Write the next calls of a plugin into a new file. Answers when they are there.
pub async fn record(
    running: &Running,
    which: &Which,
    calls: u32,
    redact: bool,
    output: &Path,
) -> Result<String, String> {
    let engine = engine(running)?;
    let file = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(output).await;
    let file = file.map_err(|why| format!("cannot make {}: {why}", output.display()))?;
    let options = RecordOptions { calls, redact };
    let recording = engine.record(&which.name, &scope(engine, which), options, file);
    let recording = match recording {
        Ok(recording) => recording,
        Err(why) => {
            // Nothing is in it.
            let _ = tokio::fs::remove_file(output).await;
            return Err(why.to_string());
        }
    };
    let figures = recording.finished().await.map_err(|why| format!("{}: {why}", output.display()))?;
    let missing = figures.too_large + figures.skipped;
    Ok(format!("{}: {} calls, and {missing} that are missing", output.display(), figures.recorded))
}

/// End a recording, whoever has begun it.
pub fn record_off(running: &Running, which: &Which) -> Result<String, String> {
    let engine = engine(running)?;
    let name = &which.name;
    match engine.stop_recording(name, &scope(engine, which)).map_err(|why| why.to_string())? {
        Some(figures) => Ok(format!("the recording of {name} has ended after {} calls", figures.recorded)),
        None => Err(format!("{name} is not being recorded")),
    }
}

/// Let a component run beside a plugin, or no more.
pub async fn shadow(
    running: &Running,
    which: &Which,
    component: Option<Arc<[u8]>>,
) -> Result<String, String> {
    let engine = engine(running)?;
    let info = engine.shadow_with(&which.name, &scope(engine, which), component).await;
    Ok(match info.map_err(|why| why.to_string())? {
        Some(info) => {
            let (name, version) = (info.name, info.version);
            format!(
                "{name} {version} runs beside it; `waxwing plugin shadow {name}` shows how the two compare"
            )
        }
        None => format!("nothing runs beside {} now", which.name),
    })
}

fn engine(running: &Running) -> Result<&Arc<Engine>, String> {
    running.core.engine().ok_or_else(|| "the plugins are not loaded".to_owned())
}

/// The scope that is meant: that of the only plugin of the name, if none is given.
fn scope(engine: &Engine, which: &Which) -> Scope {
    match &which.scope {
        Some(domain) if domain != "*" => Scope::Only([domain.clone()].into()),
        Some(_) => Scope::Everywhere,
        None => {
            let all = engine.plugins();
            let mut own = all.iter().filter(|plugin| plugin.name == which.name);
            match (own.next(), own.next()) {
                (Some(only), None) => only.scope.clone(),
                _ => Scope::Everywhere,
            }
        }
    }
}
