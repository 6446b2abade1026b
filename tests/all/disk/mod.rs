//! Disks that are full or fail under SQLite: nothing that isn't kept is answered, and runs go on
//! when they can.

mod flush;
mod full;
