//! Many sites: so many at a time, each by itself, told as they are done.
//!
//! The list is read as it is needed and nothing is kept of a site that was told, so a million sites take the memory of
//! those under way.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{Id, JoinSet};

use crate::failure::Failure;
use crate::options::site;
use crate::retriever::{Retriever, Seen};

/// Retrieves every site of a list, at most `concurrency` (at least 1) at a time. `judge` runs beside the retrieval, on its
/// threads; `tell` gets its results one by one, in the order in which sites are done. A site that fails, even by a panic,
/// is judged as a [`Failure`] and leaves the others as they are.
///
/// # Errors
/// The first error of `tell`; what is under way then is dropped.
pub async fn each<T, E, J>(
    retriever: Arc<Retriever>,
    sites: impl IntoIterator<Item = String>,
    concurrency: usize,
    judge: J,
    mut tell: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E>
where
    T: Send + 'static,
    J: Fn(&str, Result<Seen, Failure>) -> T + Send + Sync + 'static,
{
    let judge = Arc::new(judge);
    let mut sites = sites.into_iter();
    let mut under_way: JoinSet<T> = JoinSet::new();
    let mut names: HashMap<Id, String> = HashMap::new();
    loop {
        while under_way.len() < concurrency.max(1)
            && let Some(name) = sites.next()
        {
            let (retriever, judge, own) =
                (Arc::clone(&retriever), Arc::clone(&judge), name.clone());
            let task = under_way.spawn(async move {
                let seen = match site(&own) {
                    Ok(url) => retriever.observe(&url).await,
                    Err(error) => Err(Failure::Url(error.to_string())),
                };
                judge(&own, seen)
            });
            names.insert(task.id(), name);
        }
        match under_way.join_next_with_id().await {
            None => return Ok(()),
            Some(Ok((id, told))) => {
                names.remove(&id);
                tell(told)?;
            }
            Some(Err(error)) => {
                let name = names.remove(&error.id()).unwrap_or_default();
                tell(judge(&name, Err(Failure::Internal)))?;
            }
        }
    }
}
