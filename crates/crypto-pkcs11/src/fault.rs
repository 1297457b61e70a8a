//! What an error of a PKCS#11 call means, and what to do about it.

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use strongroom_core::ports::BackendError;

/// Why a piece of work at a token came to nothing.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A call failed.
    Call(Error),
    /// The token did its part, and this is the answer.
    Answer(BackendError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<BackendError> for Fault {
    fn from(error: BackendError) -> Self {
        Self::Answer(error)
    }
}

/// What a failed call means, by the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The session is gone or spoilt: open another.
    Session,
    /// The login is gone: log in again.
    Login,
    /// A key's handle is not valid any more: look the key up again.
    Handle,
    /// The key can't do that: it is the wrong one, or it is being destroyed under the call because the session
    /// that it belongs to was lost. Look the key up again; the second time, it is how the token is set up.
    Key,
    /// The token is gone: connect anew.
    Device,
    /// The token or the data is at fault, and the code does not tell which: ask the canary.
    Doubt,
    /// The data is not what was encrypted. Never worth a retry.
    Data,
    /// The PIN is not accepted: stop, since another try may lock the token.
    Pin,
    /// The token can't do this at all, or not as it is set up.
    Setup,
}

/// The class of an error. Codes of vendors, and those that the standard leaves open, are in doubt.
pub(crate) fn class(error: &Error) -> Class {
    use RvError as Rv;
    let Error::Pkcs11(code, _) = error else { return Class::Setup };
    match code {
        Rv::SessionHandleInvalid | Rv::SessionClosed | Rv::OperationActive | Rv::OperationNotInitialized => {
            Class::Session
        }
        Rv::UserNotLoggedIn => Class::Login,
        Rv::ObjectHandleInvalid
        | Rv::KeyHandleInvalid
        | Rv::WrappingKeyHandleInvalid
        | Rv::UnwrappingKeyHandleInvalid => Class::Handle,
        Rv::KeyFunctionNotPermitted | Rv::KeySizeRange | Rv::KeyTypeInconsistent => Class::Key,
        Rv::DeviceRemoved
        | Rv::TokenNotPresent
        | Rv::TokenNotRecognized
        | Rv::SlotIdInvalid
        | Rv::CryptokiNotInitialized => Class::Device,
        Rv::EncryptedDataInvalid
        | Rv::EncryptedDataLenRange
        | Rv::WrappedKeyInvalid
        | Rv::WrappedKeyLenRange => Class::Data,
        Rv::PinIncorrect
        | Rv::PinLocked
        | Rv::PinExpired
        | Rv::PinInvalid
        | Rv::PinLenRange
        | Rv::UserPinNotInitialized => Class::Pin,
        Rv::MechanismInvalid
        | Rv::MechanismParamInvalid
        | Rv::FunctionNotSupported
        | Rv::ArgumentsBad
        | Rv::KeyUnextractable
        | Rv::KeyNotWrappable
        | Rv::TemplateIncomplete
        | Rv::TemplateInconsistent
        | Rv::AttributeReadOnly
        | Rv::AttributeTypeInvalid
        | Rv::AttributeValueInvalid
        | Rv::BufferTooSmall
        | Rv::SessionCount => Class::Setup,
        _ => Class::Doubt,
    }
}

/// Whether the failed call was given data that may be at fault: sealed data or a wrapped key.
pub(crate) fn was_reading(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(_, Function::DecryptInit | Function::Decrypt | Function::UnwrapKey))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: RvError) -> Class {
        class(&Error::Pkcs11(code, Function::Decrypt))
    }

    #[test]
    fn each_code_has_its_remedy() {
        for (code, class) in [
            (RvError::SessionHandleInvalid, Class::Session),
            (RvError::OperationActive, Class::Session),
            (RvError::UserNotLoggedIn, Class::Login),
            (RvError::KeyHandleInvalid, Class::Handle),
            (RvError::KeyFunctionNotPermitted, Class::Key),
            (RvError::KeyTypeInconsistent, Class::Key),
            (RvError::DeviceRemoved, Class::Device),
            (RvError::CryptokiNotInitialized, Class::Device),
            (RvError::GeneralError, Class::Doubt),
            (RvError::DeviceError, Class::Doubt),
            (RvError::DeviceMemory, Class::Doubt),
            (RvError::VendorDefined(0x8000_0001), Class::Doubt),
            (RvError::UnknownErrorCode(0x35), Class::Doubt),
            (RvError::EncryptedDataInvalid, Class::Data),
            (RvError::PinIncorrect, Class::Pin),
            (RvError::PinLocked, Class::Pin),
            (RvError::MechanismInvalid, Class::Setup),
            (RvError::BufferTooSmall, Class::Setup),
        ] {
            assert_eq!(of(code), class, "{code:?}");
        }
        assert_eq!(class(&Error::NullFunctionPointer), Class::Setup);
    }

    #[test]
    fn only_what_was_read_can_be_at_fault() {
        for (function, reading) in [
            (Function::Decrypt, true),
            (Function::UnwrapKey, true),
            (Function::Encrypt, false),
            (Function::GenerateKey, false),
        ] {
            assert_eq!(was_reading(&Error::Pkcs11(RvError::GeneralError, function)), reading);
        }
    }
}
