package import Files

#if canImport(Glibc)
  package import Glibc
#elseif canImport(Musl)
  package import Musl
#elseif canImport(Darwin)
  package import Darwin
#endif

/// A program that is started by this one.
package enum ChildProcess {
  /// How a program ended.
  package enum Ending: Hashable, Sendable {
    /// It ended by itself, with a status.
    case exited(Int32)
    /// A signal ended it.
    case signaled(Int32)

    /// What `waitpid` says of an end.
    package init(status: Int32) {
      let signal = status & 0x7F
      self = signal == 0 ? .exited(status >> 8 & 0xFF) : .signaled(signal)
    }
  }

  /// The program could not be started.
  package struct Failure: Error {
    /// The system's number of the reason.
    package let code: Int32
  }

  /// Starts a program with descriptors for its three streams.
  ///
  /// - Parameters:
  ///   - program: its path; it is looked for nowhere else.
  ///   - environment: its variables, each as `NAME=VALUE`; this program's own where `nil`.
  ///   - isAlone: whether it has a group of its own, so that what it starts can be ended with it, and signals as any
  ///     program has them.
  package static func start(
    _ program: String, _ arguments: [String], input: Int32, output: Int32, error: Int32,
    environment: [String]? = nil, isAlone: Bool = false
  ) throws(Failure) -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (target, descriptor) in [input, output, error].enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
    }
    if isAlone {
      posix_spawnattr_setpgroup(&attributes, 0)
      var defaults = sigset_t()
      sigemptyset(&defaults)
      sigaddset(&defaults, SIGPIPE)
      sigaddset(&defaults, SIGXFSZ)
      posix_spawnattr_setsigdefault(&attributes, &defaults)
      // Threads of a library may block signals, which is inherited: then nobody could ask it to end.
      var none = sigset_t()
      sigemptyset(&none)
      posix_spawnattr_setsigmask(&attributes, &none)
      let flags = [POSIX_SPAWN_SETPGROUP, POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK]
      posix_spawnattr_setflags(&attributes, flags.reduce(0) { $0 | Int16($1) })
    }
    var child = pid_t()
    let code = withTexts([program] + arguments) { words in
      guard let environment else {
        return posix_spawn(&child, program, &actions, &attributes, words, environ)
      }
      return withTexts(environment) {
        posix_spawn(&child, program, &actions, &attributes, words, $0)
      }
    }
    guard code == 0 else { throw Failure(code: code) }
    return child
  }

  /// Runs a program with files for its three streams, and waits for it.
  ///
  /// - Parameter environment: its variables, each as `NAME=VALUE`.
  package static func run(
    _ program: String, _ arguments: [String], input: borrowing UnnamedFile,
    output: borrowing UnnamedFile, error: borrowing UnnamedFile, environment: [String]
  ) throws(Failure) -> Ending {
    let child = try start(
      program, arguments, input: input.descriptor, output: output.descriptor,
      error: error.descriptor, environment: environment)
    InterruptedOutput.noteChild(child)
    defer { InterruptedOutput.noteChild(0) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw Failure(code: errno) }
    }
    return Ending(status: status)
  }

  /// Gives texts as the list of C strings that ends with none.
  private static func withTexts<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let list = texts.map { strdup($0) }
    defer { for text in list { free(text) } }
    return body(list + [nil])
  }
}
