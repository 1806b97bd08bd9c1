//! Who a command runs as.

use buildc_ir::step::Exec;
use buildc_store::{Layer, Store};

use super::StepError;
use crate::account::{self, Account};
use crate::copy;
use crate::select::LayerTree;

/// The account of a command over a stack of layers.
pub(crate) struct Identity {
    pub account: Account,
    /// Whether the base's account files were asked.
    pub from_base: bool,
}

/// Looks a command's user up, in the base only where that is needed.
pub(crate) fn identify(store: &Store, exec: &Exec, layers: &[Layer]) -> Result<Identity, StepError> {
    let has_home = exec.env.iter().any(|(name, _)| name == "HOME");
    if has_home && exec.user.is_empty() {
        return Ok(Identity { account: account::look_up("0:0", "", "")?, from_base: false });
    }
    let tree = LayerTree::new(store, layers)?;
    let (passwd, group) = copy::accounts(&tree)?;
    Ok(Identity { account: account::look_up(&exec.user, &passwd, &group)?, from_base: true })
}
