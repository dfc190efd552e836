//! What can be known of a sender before the message is read: by its address, its name in DNS, lists, and whether it comes again.
//!
//! ```text
//! network       addresses, networks and sets of them
//! lists         block and allow lists in files and feeds (spamd.conf)
//! dns_list      block and allow lists in DNS
//! sender_score  scores in DNS
//! client_name   no name, a name that does not lead back, a dial-in name
//! greylist      strangers are asked to come again
//! spamdb        the lines in which all that is shown and edited
//! ```
//!
//! All of it is logic over what is passed in; the server asks, keeps, and acts.

pub mod client_name;
pub mod dns_list;
pub mod greylist;
pub mod lists;
pub mod network;
pub mod sender_score;
pub mod spamdb;
