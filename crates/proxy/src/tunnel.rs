//! A connection after 101 Switching Protocols (RFC 9110 section 15.2.2): bytes both ways, unread.

use std::rc::Rc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::worker::Worker;

/// Joins the two connections once both have switched. A stopping proxy waits for it until the grace is over.
pub(crate) fn spawn(worker: &Rc<Worker>, client: OnUpgrade, application: OnUpgrade) {
    let ticket = worker.ticket();
    tokio::task::spawn_local(async move {
        let _ticket = ticket;
        let joined = async {
            let (mut client, mut application) =
                tokio::try_join!(async { client.await.map(TokioIo::new) }, async {
                    application.await.map(TokioIo::new)
                },)
                .map_err(std::io::Error::other)?;
            tokio::io::copy_bidirectional(&mut client, &mut application).await
        };
        if let Err(error) = joined.await {
            tracing::debug!(%error, "tunnel ended");
        }
    });
}
