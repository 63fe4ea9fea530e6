//! x
pub(crate) fn run(_: crate::Channel, _: hausrecht_media::answer::AnswerReader, _: hausrecht_media::PlayerOpen) -> anyhow::Result<()> { anyhow::bail!("") }
