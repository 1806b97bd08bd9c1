//! Who a command runs as.

use buildc_ir::step::{self, Exec};
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
    // Two numbers have no further groups; root, without being named, has those that the base gives it.
    let numbers = exec.user.contains(':') && step::is_numeric_owner(&exec.user);
    if numbers && account::has_home(&exec.env) {
        return Ok(Identity { account: account::look_up(&exec.user, "", "")?, from_base: false });
    }
    let tree = LayerTree::new(store, layers)?;
    let (passwd, group) = copy::accounts(&tree)?;
    Ok(Identity { account: account::look_up(&exec.user, &passwd, &group)?, from_base: true })
}
