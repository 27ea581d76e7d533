//! What a transaction means for its job, for the account's limits, and for what the connection does next.

use std::collections::VecDeque;

use postroom_domain::{Progress, Throttle};
use postroom_smtp::client::Outcome as Spoken;
use postroom_smtp::reply::Reply as SmtpReply;

use super::{Flow, Line, Said, Worker, give_back};
use crate::delivery::{BoxedJob, Limited, limit_in, limited, log_limit, refusal};
use crate::relay::pool::UNTRIED_MAX;

impl Worker {
    /// Learns from what became of a job and writes it down.
    pub(super) async fn conclude(
        &self,
        job: BoxedJob,
        said: &Said<'_>,
        line: &mut Option<Line>,
        own: &mut VecDeque<BoxedJob>,
    ) -> Flow {
        let Some(open) = line.as_ref() else {
            return Flow::Next;
        };
        let now = self.now();
        let progress = Progress {
            accepted: 0,
            carried: u64::from(open.carried.saturating_sub(1)),
            witness: open.slot.witness(now),
            others: open.slot.others(now),
        };
        match limited(said.outcome, progress) {
            Some(Limited::Message { throttle, worked }) => {
                log_limit(&self.pool.relay.name, throttle, refusal(said.outcome));
                return self.limited(job, (throttle, worked), line, own).await;
            }
            Some(Limited::Recipients {
                throttle,
                accepted,
                places,
            }) => {
                open.slot.took(now);
                let accepted = u32::try_from(accepted).unwrap_or(u32::MAX);
                self.pool.account.refused(throttle, accepted, now);
                self.go_on(job, said, (&places, throttle), own).await;
            }
            None => {
                if let Spoken::Finished(answers) = said.outcome {
                    open.slot.took(now);
                    if answers.recipients.iter().all(SmtpReply::is_success) {
                        self.pool.account.accepted(answers.recipients.len(), now);
                    }
                }
                self.unlimited(job, said, open, own).await;
            }
        }
        Flow::Next
    }

    /// Takes a job back that a limit of the relay refused.
    async fn limited(
        &self,
        mut job: BoxedJob,
        (throttle, worked): (Throttle, u32),
        line: &mut Option<Line>,
        own: &mut VecDeque<BoxedJob>,
    ) -> Flow {
        let now = self.now();
        job.take_rest();
        if throttle == Throttle::Connections {
            if let Some(line) = line.take() {
                line.slot.refused(now);
                self.parts().spawn(line.quit(now));
            }
            own.push_back(job);
            return Flow::Leave;
        }
        self.pool.account.refused(throttle, worked, now);
        match throttle {
            Throttle::Pace => {
                own.push_back(job);
                own.extend(self.pool.drain());
                give_back(own.drain(..)).await;
            }
            Throttle::Messages => {
                if let Some(line) = line.take() {
                    self.parts().spawn(line.quit(now));
                }
                own.push_front(job);
            }
            Throttle::Recipients | Throttle::Connections => own.push_back(job),
        }
        Flow::Next
    }

    /// Goes on with recipients that a transaction left for a further one.
    async fn go_on(
        &self,
        mut job: BoxedJob,
        said: &Said<'_>,
        (again, throttle): (&[usize], Throttle),
        own: &mut VecDeque<BoxedJob>,
    ) {
        let Spoken::Finished(answers) = said.outcome else {
            return;
        };
        let Some((told, part)) = self.judge(said.tls).part(&job, answers, again) else {
            let judgement = self.judge(said.tls).judge(&job, said.outcome, said.elapsed);
            self.finish(job, judgement).await;
            return;
        };
        if !part.recipients.is_empty() {
            job.lease.record_part(part).await;
        }
        job.put_back(again);
        job.next_transaction(told, said.elapsed);
        if throttle == Throttle::Recipients {
            own.push_back(job);
        } else {
            job.lease.give_back().await;
        }
    }

    /// Writes down what became of a job that met no limit, unless another session is to try it.
    async fn unlimited(&self, mut job: BoxedJob, said: &Said<'_>, open: &Line, own: &mut VecDeque<BoxedJob>) {
        if job.has_rest() && matches!(said.outcome, Spoken::Finished(_)) {
            return self.go_on(job, said, (&[], Throttle::Recipients), own).await;
        }
        if matches!(said.outcome, Spoken::Untried(_)) && job.untried < UNTRIED_MAX {
            self.learn_from_end(open);
            job.untried += 1;
            job.started_at = self.now();
            job.take_rest();
            // What had gone ahead with this one's dot is another connection's to take.
            for next in own.drain(..) {
                if let Err(refused) = self.pool.put_back(next) {
                    refused.lease.give_back().await;
                }
            }
            own.push_back(job);
            return;
        }
        let judgement = self.judge(said.tls).judge(&job, said.outcome, said.elapsed);
        self.finish(job, judgement).await;
    }

    /// Learns how many messages a session may carry from the words with which the relay ended one.
    fn learn_from_end(&self, open: &Line) {
        let Some(words) = open.session.last_words() else {
            return;
        };
        let carried = open.session.answered();
        let progress = Progress {
            carried,
            ..Progress::default()
        };
        if limit_in(words, progress) == Some(Throttle::Messages) {
            log_limit(&self.pool.relay.name, Throttle::Messages, Some(words));
            let carried = u32::try_from(carried).unwrap_or(u32::MAX);
            self.pool.account.refused(Throttle::Messages, carried, self.now());
        }
    }
}
