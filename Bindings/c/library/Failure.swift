internal import CRNW
import Files
import Synchronization
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A failure as C sees it: a status and a line of text.
struct Failure: Error {
  let status: rnw_status
  let message: String

  init(_ status: rnw_status, _ message: String) {
    self.status = status
    self.message = message
  }

  /// What any error of the package is for C.
  init(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as InputError:
      self.init(error.kind == .unreadable ? RNW_UNREADABLE : RNW_BAD_DATA, error.description)
    default: self.init(RNW_BAD_DATA, "\(error)")
    }
  }
}

/// Runs the body of a function of C; an error becomes its status and is remembered for the thread.
func status(of body: () throws -> Void) -> rnw_status {
  do {
    try body()
    return RNW_OK
  } catch {
    let failure = Failure(error)
    LastFailure.set(failure)
    return failure.status
  }
}

/// The last failure of every thread, which the system lets go of when the thread ends.
enum LastFailure {
  /// The failure of the calling thread.
  static var current: LastFailureText? {
    pthread_getspecific(key).map {
      Unmanaged<LastFailureText>.fromOpaque($0).takeUnretainedValue()
    }
  }

  static func set(_ failure: Failure) {
    let old = pthread_getspecific(key)
    let text = LastFailureText(failure)
    pthread_setspecific(key, Unmanaged.passRetained(text).toOpaque())
    if let old { Unmanaged<LastFailureText>.fromOpaque(old).release() }
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { pointer in
      #if canImport(Darwin)
        Unmanaged<LastFailureText>.fromOpaque(pointer).release()
      #else
        if let pointer { Unmanaged<LastFailureText>.fromOpaque(pointer).release() }
      #endif
    }
    return key
  }()
}

/// A failure whose text has an address.
final class LastFailureText {
  let status: rnw_status
  let text: CText

  init(_ failure: Failure) {
    status = failure.status
    text = CText(failure.message)
  }
}
