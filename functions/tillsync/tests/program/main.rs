//! The program as people and scripts meet it: arguments in, one answer and an exit status out. The platforms are
//! stand-ins in this process; nothing of the program is linked in.

#[cfg(test)]
mod again;
#[cfg(unix)]
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod erasing;
#[cfg(test)]
mod exits;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod killed;
#[cfg(unix)]
#[cfg(test)]
mod kills;
#[cfg(test)]
mod life;
#[cfg(test)]
mod owner;
#[cfg(test)]
mod quiet;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod verbs;
#[cfg(test)]
mod webhooks;
