import Files
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program that is run to its end, without a thread that would watch it.
enum ChildProcess {
  /// How a program ended.
  enum Ending {
    case exited(Int32)
    case signaled(Int32)
  }

  /// The program could not be started.
  struct Failure: Error {
    /// The system's number of the reason.
    let code: Int32
  }

  /// What a program needs to find its libraries; nothing else of the environment is for it.
  private static let variables = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"]

  /// Runs a program with files for its three streams, and waits for it.
  static func run(
    _ program: String, _ arguments: [String], input: borrowing UnnamedFile,
    output: borrowing UnnamedFile, error: borrowing UnnamedFile
  ) throws(Failure) -> Ending {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
    #else
      var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (target, descriptor) in [input.descriptor, output.descriptor, error.descriptor].enumerated()
    {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
    }
    let environment = variables.compactMap { name in
      getenv(name).map { "\(name)=\(String(cString: $0))" }
    }
    var child = pid_t()
    let code = withTexts([program] + arguments) { words in
      withTexts(environment) { posix_spawn(&child, program, &actions, nil, words, $0) }
    }
    guard code == 0 else { throw Failure(code: code) }
    InterruptedOutput.noteChild(child)
    defer { InterruptedOutput.noteChild(0) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw Failure(code: errno) }
    }
    let signal = status & 0x7F
    return signal == 0 ? .exited(status >> 8 & 0xFF) : .signaled(signal)
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
