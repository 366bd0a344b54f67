// What needs a person, why, and what to do about it.

/** @type {Record<string, {what: string, remedy: string}>} */
export const WATCHES = {
  errors: { what: "CallFire found errors in every contact: nobody will be called.", remedy: "Correct the contacts and submit them again, or stop following." },
  source_error: { what: "CallFire could not read where the contacts come from.", remedy: "Check the file or list at CallFire and submit it again, or stop following." },
  unknown_status: { what: "CallFire gave a status that nobody knows.", remedy: "Look at the batch at CallFire; it is followed on." },
  missing: { what: "CallFire does not have this batch any more.", remedy: "See whether it was deleted, or the id or account is wrong; then stop following." },
  expired: { what: "It did not settle in the time it was given, and is not looked at any more.", remedy: "Look at it at CallFire; follow it again if it is still needed." },
  stuck: { what: "It has been in this status for longer than usual.", remedy: "Look at it at CallFire; if it is still there in an hour, ask their support." },
};

/** @type {Record<string, {what: string, remedy: string}>} */
export const ACCOUNTS = {
  refused: { what: "CallFire refuses this login: none of its batches is looked at.", remedy: "Correct login and password in the settings, then start the daemon anew or resume." },
  down: { what: "CallFire does not answer as it should. It is tried again by itself.", remedy: "Nothing, if it is short; else see CallFire's status." },
  unpolled: { what: "No daemon polls this account at the moment: none of its batches is looked at.", remedy: "Nothing, if it is short: one that can takes it over within seconds; else see whether a daemon has it in its settings." },
  throttled: { what: "CallFire asked for fewer requests, and gets fewer until it recovers.", remedy: "See what else uses this login; lower the rate if it goes on." },
  paused: { what: "Nothing is asked until the pause is over.", remedy: "Resume when it should go on sooner." },
};

/** What happens at the end of a condition of an account. @type {Record<string, string>} */
export const ENDS = { refused: "tried again", down: "tried again", throttled: "goes on", paused: "goes on" };

/** @type {Record<string, {what: string, remedy: string}>} */
export const ENDPOINTS = {
  disabled: { what: "Nothing is sent to it; its events are held.", remedy: "Mend the receiver, send a test, then enable it." },
  open: { what: "Its receiver failed many times in a row: it gets a probe now and then, the rest waits.", remedy: "Mend the receiver; a probe that succeeds opens the way." },
  paused: { what: "Its receiver asked to wait.", remedy: "Nothing; it goes on by itself." },
  failing: { what: "Its last attempts failed.", remedy: "See the answers of its attempts." },
};
