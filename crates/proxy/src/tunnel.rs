//! A connection after 101 Switching Protocols (RFC 9110 section 15.2.2): bytes both ways, unread.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// Joins the two connections once both have switched. A stopping proxy does not wait for it: a tunnel has no end of its
/// own, so that waiting would only delay each restart by the whole grace.
pub(crate) fn spawn(client: OnUpgrade, application: OnUpgrade) {
    tokio::task::spawn_local(async move {
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
