//! A PKCS#11 module that forwards every call to another one and fails as a control file tells it.
//!
//! Copied to `some/where.so`, it loads the module `some/where.so.real` and obeys `some/where.so.control`, which
//! is read at each call and need not be there. Each of its lines names a function (`*` for all), what is to
//! happen, and how often (for ever unless given):
//!
//! ```text
//! C_Decrypt 0x05 1            the first call gives CKR_GENERAL_ERROR
//! C_Encrypt sleep:1500        every call takes that many milliseconds longer
//! C_DecryptInit forget 1      at the first call all sessions are closed; it then goes on
//! * 0x32 until-initialize     everything gives CKR_DEVICE_REMOVED until C_Initialize is called
//! ```
//!
//! Counts begin anew when the file's text changes.
#![expect(unsafe_code, reason = "it is a C library, and calls one")]
#![expect(non_snake_case, reason = "the names are those of the standard")]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod control;
pub mod rig;

use std::path::PathBuf;
use std::sync::{OnceLock, RwLock};

use cryptoki_sys::{
    CK_ATTRIBUTE_PTR, CK_BBOOL, CK_BYTE_PTR, CK_FLAGS, CK_FUNCTION_LIST, CK_FUNCTION_LIST_PTR_PTR,
    CK_MECHANISM_INFO_PTR, CK_MECHANISM_PTR, CK_MECHANISM_TYPE, CK_NOTIFY, CK_OBJECT_HANDLE,
    CK_OBJECT_HANDLE_PTR, CK_RV, CK_SESSION_HANDLE, CK_SESSION_HANDLE_PTR, CK_SLOT_ID, CK_SLOT_ID_PTR,
    CK_TOKEN_INFO_PTR, CK_ULONG, CK_ULONG_PTR, CK_USER_TYPE, CK_UTF8CHAR_PTR, CK_VOID_PTR, CKR_ARGUMENTS_BAD,
    CKR_FUNCTION_NOT_SUPPORTED, CKR_GENERAL_ERROR, CKR_OK,
};
use libloading::os::unix::Library;

/// The module behind this one, and the list of functions given out in its place.
struct Modules {
    real: CK_FUNCTION_LIST,
    faulty: CK_FUNCTION_LIST,
    /// Keeps the functions where they are.
    _library: Library,
}

static MODULES: OnceLock<Option<Modules>> = OnceLock::new();

/// The one function that a module is known by.
///
/// # Safety
///
/// `list` is a place for a pointer, as the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: CK_FUNCTION_LIST_PTR_PTR) -> CK_RV {
    if list.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    match MODULES.get_or_init(load) {
        Some(modules) => {
            // SAFETY: the caller owns the place. Nobody writes through the pointer that is put there.
            unsafe { *list = (&raw const modules.faulty).cast_mut() };
            CKR_OK
        }
        None => CKR_GENERAL_ERROR,
    }
}

fn load() -> Option<Modules> {
    let mut path = own_path()?.into_os_string();
    path.push(".real");
    // SAFETY: a PKCS#11 module may be loaded; that is what it is for.
    let library = unsafe { Library::new(&path) }.ok()?;
    // SAFETY: the standard gives this function this type.
    let get = unsafe {
        library.get::<unsafe extern "C" fn(CK_FUNCTION_LIST_PTR_PTR) -> CK_RV>(b"C_GetFunctionList\0")
    };
    let mut list = std::ptr::null_mut();
    // SAFETY: `list` is a place for a pointer.
    if unsafe { (get.ok()?)(&raw mut list) } != CKR_OK || list.is_null() {
        return None;
    }
    // SAFETY: the module gave it out, and it lives as long as the module.
    let real = unsafe { *list };
    let mut faulty = real;
    replace(&mut faulty);
    Some(Modules { real, faulty, _library: library })
}

/// The file that this code was loaded from, by the address of a constant in it.
pub(crate) fn own_path() -> Option<PathBuf> {
    static HERE: u8 = 1;
    let address = &raw const HERE;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let within = usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?;
        within.contains(&address.addr()).then(|| words.nth(4).map(PathBuf::from))?
    })
}

fn real() -> Option<&'static CK_FUNCTION_LIST> {
    MODULES.get().and_then(Option::as_ref).map(|modules| &modules.real)
}

/// Held for reading by every call into the module behind, since SoftHSM2 crashes when sessions are closed under
/// another thread's call.
static CALLS: RwLock<()> = RwLock::new(());

/// All sessions of all tokens are closed behind the caller's back, between two calls.
pub(crate) fn forget_sessions() {
    let Some(real) = real() else { return };
    let _nobody_calls = CALLS.write();
    let (Some(list), Some(close)) = (real.C_GetSlotList, real.C_CloseAllSessions) else { return };
    let mut slots = [0; 16];
    let mut count = 16;
    // SAFETY: there is room for as many slots as is said.
    if unsafe { list(1, slots.as_mut_ptr(), &raw mut count) } == CKR_OK {
        for (slot, _) in slots.iter().zip(0..count) {
            // SAFETY: it takes a number.
            unsafe { close(*slot) };
        }
    }
}

/// Functions that ask the control file first, and the list with them in place of the real ones.
macro_rules! forward {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(unsafe extern "C" fn $name($($argument: $type),*) -> CK_RV {
            if let Some(code) = control::ordered(stringify!($name)) {
                return code;
            }
            let _call = CALLS.read();
            match real().and_then(|real| real.$name) {
                // SAFETY: the caller's arguments are handed on as they are.
                Some(function) => unsafe { function($($argument),*) },
                None => CKR_FUNCTION_NOT_SUPPORTED,
            }
        })*

        fn replace(list: &mut CK_FUNCTION_LIST) {
            $(list.$name = Some($name);)*
        }
    };
}

forward! {
    C_Initialize(arguments: CK_VOID_PTR);
    C_GetSlotList(present: CK_BBOOL, slots: CK_SLOT_ID_PTR, count: CK_ULONG_PTR);
    C_GetTokenInfo(slot: CK_SLOT_ID, info: CK_TOKEN_INFO_PTR);
    C_GetMechanismInfo(slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE, info: CK_MECHANISM_INFO_PTR);
    C_OpenSession(
        slot: CK_SLOT_ID, flags: CK_FLAGS, application: CK_VOID_PTR, notify: CK_NOTIFY,
        session: CK_SESSION_HANDLE_PTR
    );
    C_Login(session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: CK_UTF8CHAR_PTR, length: CK_ULONG);
    C_FindObjectsInit(session: CK_SESSION_HANDLE, template: CK_ATTRIBUTE_PTR, count: CK_ULONG);
    C_FindObjects(
        session: CK_SESSION_HANDLE, objects: CK_OBJECT_HANDLE_PTR, most: CK_ULONG, count: CK_ULONG_PTR
    );
    C_GetAttributeValue(
        session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: CK_ATTRIBUTE_PTR, count: CK_ULONG
    );
    C_GenerateKey(
        session: CK_SESSION_HANDLE, mechanism: CK_MECHANISM_PTR, template: CK_ATTRIBUTE_PTR, count: CK_ULONG,
        key: CK_OBJECT_HANDLE_PTR
    );
    C_WrapKey(
        session: CK_SESSION_HANDLE, mechanism: CK_MECHANISM_PTR, by: CK_OBJECT_HANDLE, key: CK_OBJECT_HANDLE,
        wrapped: CK_BYTE_PTR, length: CK_ULONG_PTR
    );
    C_UnwrapKey(
        session: CK_SESSION_HANDLE, mechanism: CK_MECHANISM_PTR, by: CK_OBJECT_HANDLE, wrapped: CK_BYTE_PTR,
        length: CK_ULONG, template: CK_ATTRIBUTE_PTR, count: CK_ULONG, key: CK_OBJECT_HANDLE_PTR
    );
    C_EncryptInit(session: CK_SESSION_HANDLE, mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE);
    C_Encrypt(
        session: CK_SESSION_HANDLE, data: CK_BYTE_PTR, length: CK_ULONG, sealed: CK_BYTE_PTR,
        sealed_length: CK_ULONG_PTR
    );
    C_DecryptInit(session: CK_SESSION_HANDLE, mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE);
    C_Decrypt(
        session: CK_SESSION_HANDLE, sealed: CK_BYTE_PTR, sealed_length: CK_ULONG, data: CK_BYTE_PTR,
        length: CK_ULONG_PTR
    );
    C_GenerateRandom(session: CK_SESSION_HANDLE, bytes: CK_BYTE_PTR, length: CK_ULONG);
}
