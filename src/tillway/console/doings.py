"""What a page says after a form was sent, by the word in the address (`?done=retried`)."""

from __future__ import annotations

from collections.abc import Mapping

from tillway.console.told import N_

DONE: Mapping[str, str] = {
    "retried": N_("Sent again. What fails anew comes back here under its new cause."),
    "reprocessed": N_("Taken in again with the current mapping."),
    "started": N_("All of them go in ten seconds. Until then you can still stop it."),
    "stopped": N_("Stopped. What was not tried yet stays as it was."),
    "row-added": N_("The code is known from now on. Try one message, then ten, then all."),
    "approve": N_("Released for the ERP: the posting goes out now."),
    "reopen": N_("Opened again: what was booked is reversed, and a new revision follows."),
    "override": N_("Accounted for, with your reason. It stays on record and blocks no longer."),
    "assigned": N_("Given to the person you named."),
    "acknowledged": N_("Acknowledged: it is not repeated any more."),
    "muted": N_("Muted until the time you chose."),
    "tested": N_("A test message went out through every channel."),
    "user-added": N_("The account is made. From now on everybody logs in."),
    "user-changed": N_("Roles and shops are changed, from the next click on."),
    "user-disabled": N_("The account is locked and its sessions are over."),
    "user-enabled": N_("The account is open again."),
    "password-set": N_("The password is set and the sessions so far are over."),
    "key-revoked": N_("The key opens nothing any more."),
    "approved": N_("Approved and carried out."),
    "rejected": N_("Rejected: nothing is done."),
    "break-erp": N_("The ERP is broken now: watch sales wait, and nothing get lost."),
    "heal-erp": N_("The ERP works again: what waited is delivered in order."),
    "store-offline": N_("The store is offline: it keeps its sales until it is back."),
    "store-online": N_("The store is online again and sends what it kept."),
    "unknown-tender": N_("A sale with a tender nobody knows is on its way into quarantine."),
}
