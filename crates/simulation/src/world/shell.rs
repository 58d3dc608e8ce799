//! The shell around the driver: what the manager's task does, in the same order.

use offhook_core::{CallRef, WebhookReply};
use offhook_manager::machine::Command;
use offhook_manager::{Answer, Arrival, InitiateError, Job, Submission, Ticket, WebhookAnswer};

use super::World;
use crate::invariant::Invariant;
use crate::plant::Plant;
use crate::point::{Died, Point};
use crate::process::{Arrived, Message, Waiter, WaitingHook, short};

/// A process that turns more often than this in one instant never rests.
const TURNS: usize = 300;

impl World<'_> {
    /// Lets the process do what it has to do now.
    pub(super) fn run_process(&mut self) {
        // What has come in is seen to in any case.
        let never = self.plant == Some(Plant::NeverWoken) && self.oracle.any_due(self.now);
        let until = if never { jiff::Timestamp::MIN } else { self.now };
        for _ in 0..TURNS {
            let restless = self.plant == Some(Plant::NeverRests);
            let busy = |process: &crate::process::Process| {
                process.is_busy(until) || restless && process.committing.is_none()
            };
            if !self.process.as_ref().is_some_and(busy) || self.turn().is_err() {
                return self.leave_if_stopped();
            }
        }
        self.oracle.refute(
            Invariant::ComesToRest,
            self.now,
            "the driver wants to be woken without end".to_owned(),
        );
    }

    /// Applies what was taken in and commits it. What the last commit set free is released while
    /// the store works.
    fn turn(&mut self) -> Result<(), Died> {
        self.take_messages()?;
        let now = self.now;
        let Some(process) = &mut self.process else { return Ok(()) };
        process.has_news = false;
        let mut jobs = Vec::new();
        if process.is_open() {
            jobs = process.driver.start(now);
        } else if std::mem::take(&mut process.finishes) {
            jobs = process.driver.start(now);
            jobs.retain(Job::is_dial);
        }
        let changes = process.driver.turn(now);
        if !changes.is_empty() {
            self.point(Point::Applied)?;
        }
        self.begin_commit(changes)?;
        self.release()?;
        for job in jobs {
            self.start(job)?;
        }
        if self.process.as_ref().is_some_and(|process| !process.waits_for_store) {
            self.finish_commit()?;
        }
        Ok(())
    }

    /// A commit that took its time is done.
    pub(super) fn commit_done(&mut self) {
        let Some(committing) = self.process.as_mut().and_then(|process| process.committing.take())
        else {
            return;
        };
        let result = match committing.result {
            Some(result) => result,
            None => self.write(&committing.changes),
        };
        self.oracle.disturb(self.now);
        let committing = crate::process::Committing { result: Some(result), ..committing };
        if let Some(process) = &mut self.process {
            process.committing = Some(committing);
        }
        if self.finish_commit().is_ok() {
            self.run_process();
        }
    }

    fn finish_commit(&mut self) -> Result<(), Died> {
        let now = self.now;
        let Some(process) = &mut self.process else { return Ok(()) };
        let Some(committing) = process.committing.take() else { return Ok(()) };
        let result = committing.result.unwrap_or(Ok(()));
        let problem = result.as_ref().err().map(ToString::to_string);
        let mut freed = process.driver.committed(result, now);
        if !committing.changes.is_empty() {
            self.point(Point::Committed)?;
        }
        if let Some(problem) = problem {
            self.tell(|| format!("STORE {problem}"));
        }
        for call in std::mem::take(&mut freed.reload) {
            if let Ok(record) = self.get(call)
                && let Some(process) = &mut self.process
            {
                process.driver.reload(call, record);
            }
        }
        for (ticket, _, ids) in std::mem::take(&mut freed.find) {
            if let Ok(Some(record)) = self.find(&ids)
                && let Some(process) = &mut self.process
            {
                process.driver.found(ticket, record);
            }
        }
        if let Some(process) = &mut self.process {
            process.freed = freed;
        }
        Ok(())
    }

    // ---- what comes in

    fn take_messages(&mut self) -> Result<(), Died> {
        loop {
            let message = self.process.as_mut().and_then(|process| process.messages.pop_front());
            let Some(message) = message else { return Ok(()) };
            match message {
                Message::Webhook(arrived) => self.take_webhook(*arrived),
                Message::Initiate { placing, request } => {
                    let key = request.idempotency.as_ref().map(|key| key.key.clone());
                    let earlier = self.find_idempotent(&key.unwrap_or_default());
                    let ticket = self.wait(Waiter::Placing(placing));
                    match earlier {
                        Ok(None) => self.submit(Submission::Initiate { ticket, request }),
                        Ok(Some((call, _))) => self.answer(ticket, Answer::Initiate(Ok(call))),
                        Err(_) => {
                            let answer = Err(InitiateError::StoreUnavailable);
                            self.answer(ticket, Answer::Initiate(answer));
                        }
                    }
                }
                Message::Command { call, command } => {
                    let is_away = self.process.as_ref().is_some_and(|it| !it.driver.knows(call));
                    let found = if is_away { self.get(call) } else { Ok(None) };
                    let asks = matches!(command, Command::Ask { .. });
                    let ticket = self.wait(Waiter::Command { asks });
                    match found {
                        Ok(found) => {
                            let found = found.map(Box::new);
                            self.submit(Submission::Command { ticket, call, command, found });
                        }
                        Err(_) => {
                            let answer = Err(offhook_manager::CommandError::StoreUnavailable);
                            self.answer(ticket, Answer::Command(answer));
                        }
                    }
                }
            }
            self.point(Point::Received)?;
        }
    }

    fn take_webhook(&mut self, arrived: Arrived) {
        let Arrived { hook, is_copy, key, told_key, parsed } = arrived;
        let provider = self.carrier.provider.clone();
        let asks = self
            .process
            .as_ref()
            .is_some_and(|process| process.driver.asks_for_the_call(&provider, &parsed));
        let found = match parsed.call {
            _ if !asks => Ok(None),
            Some(call) => self.get(call),
            None => self.find(&parsed.ids),
        };
        let waiting = WaitingHook {
            hook,
            is_copy,
            key,
            told_key,
            call: parsed.call,
            ids: parsed.ids.iter().map(|id| id.value().to_owned()).collect(),
            counts: !parsed.foreign && !super::webhooks::is_preview(&parsed),
            has_call: parsed.begins_a_call() || parsed.call.is_some(),
        };
        let ticket = self.wait(Waiter::Webhook(waiting));
        match found {
            Ok(found) => {
                let new_call = parsed.call.unwrap_or_else(|| self.fresh_id());
                let found = found.map(Box::new);
                let arrival = Arrival { ticket, provider, key: told_key, parsed, new_call, found };
                self.submit(Submission::Webhook(Box::new(arrival)));
            }
            Err(_) => self.answer(ticket, Answer::Webhook(Box::new(WebhookAnswer::Unavailable))),
        }
    }

    pub(super) fn submit(&mut self, submission: Submission) {
        if let Some(process) = &mut self.process {
            process.driver.submit(submission);
            process.has_news = true;
        }
    }

    fn wait(&mut self, waiter: Waiter) -> Ticket {
        let ticket = self.ticket();
        let now = self.now;
        if let Some(process) = &mut self.process {
            process.waiting.insert(ticket, (now, waiter));
        }
        ticket
    }

    // ---- what goes out

    fn release(&mut self) -> Result<(), Died> {
        let freed = self.process.as_mut().map(|process| std::mem::take(&mut process.freed));
        let freed = freed.unwrap_or_default();
        for record in &freed.snapshots {
            self.read_answers(record.id);
        }
        for (ticket, answer) in freed.answers {
            self.answer(ticket, answer);
            self.point(Point::Answered)?;
        }
        Ok(())
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        let is_user = !matches!(answer, Answer::Webhook(_));
        if is_user && self.plant == Some(Plant::AnswersLost) {
            return;
        }
        let waiter = self.process.as_mut().and_then(|process| process.waiting.remove(&ticket));
        match (waiter, answer) {
            (Some((_, Waiter::Webhook(waiting))), Answer::Webhook(answer)) => {
                let reply = self.reply(&waiting, *answer);
                self.webhook_replied(&waiting, reply);
            }
            (Some((_, Waiter::Placing(placing))), Answer::Initiate(answer)) => {
                self.tell(|| match &answer {
                    Ok(call) => format!("USER placing {placing} is {}", short(*call)),
                    Err(error) => format!("USER placing {placing}: {error}"),
                });
            }
            (Some((_, Waiter::Command { asks })), Answer::Command(answer)) => {
                if let Ok((record, turn)) = &answer
                    && asks
                {
                    self.wait_for_words(record.id, *turn);
                }
                self.tell(|| match &answer {
                    Ok((record, turn)) => {
                        format!("USER was heard by {}, turn {}", short(record.id), turn.0)
                    }
                    Err(error) => format!("USER was told: {error}"),
                });
            }
            _ => {
                let detail = format!("{ticket:?} got an answer that nobody waits for");
                self.oracle.refute(Invariant::WaitersSettled, self.now, detail);
            }
        }
    }

    /// What the listener answers, as the manager's handle has it.
    fn reply(&mut self, waiting: &WaitingHook, answer: WebhookAnswer) -> Option<WebhookReply> {
        match answer {
            WebhookAnswer::Fixed(reply) => Some(reply),
            WebhookAnswer::Plan { reference, plan } => {
                Some(self.provider.render_reply(&reference, &plan))
            }
            WebhookAnswer::Repeat { .. } if self.plant == Some(Plant::RepeatAnsweredBare) => {
                Some(WebhookReply::acknowledged())
            }
            WebhookAnswer::Repeat { reference, entry } => {
                let replied = self.replied(reference.id, entry)?;
                let reference = CallRef { step: replied.step, ..reference };
                Some(self.provider.render_reply(&reference, &replied.plan))
            }
            WebhookAnswer::Unavailable => {
                self.tell(|| format!("OURS cannot take webhook {}", waiting.hook));
                None
            }
        }
    }
}
