import ArgumentParser
import Conversion
import Files
import RNW
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The command line: parsing, and how every failure is answered.
@main
struct RNWCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rnw",
    abstract: "Bring ResNetV2 weights into Swift, and prove that nothing changed on the way.",
    discussion: """
      EXAMPLES
        rnw convert resnet50v2.h5 -o resnet50v2.rnw
        rnw verify resnet50v2.rnw --against resnet50v2.h5
        rnw inspect resnet50v2.rnw

      Exit status: 0 done and within limits; 1 compared and out of limits; 64 usage; \
      65 bad input data; 66 input missing or unreadable; 73 or 74 output cannot be made \
      or written; 70 a fault of the tool.
      """,
    version: "rnw \(PackageVersion.text)",
    subcommands: [
      ConvertCommand.self, VerifyCommand.self, JudgeCommand.self, DiffCommand.self,
      InspectCommand.self, SummaryCommand.self, RunCommand.self, ExportCommand.self,
      InitCommand.self, BenchCommand.self,
      FamiliesCommand.self,
    ])

  /// What the smallest network takes beside the program itself.
  private static let leastMemory = 96 << 20

  static func main() {
    StandardDescriptors.fillGaps()
    // A closed pipe and a full disk are answered where they happen, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    InterruptedOutput.installHandlers()
    // The runtime has a message of its own where it gets no memory for something small.
    guard MemoryProbe.canHave(leastMemory) else {
      StandardError.write("rnw: needs more memory than this process can have\n")
      Platform.exit(EX_NOINPUT)
    }
    do {
      try run(parseAsRoot())
    } catch {
      end(with: error)
    }
  }

  /// Says what happened, and ends with its status.
  private static func end(with error: any Error) -> Never {
    switch error {
    case let error as InputError:
      StandardError.write("rnw: \(error)\n")
      if let hint = error.hint { StandardError.write("hint: \(hint)\n") }
      Platform.exit(error.kind.exitStatus)
    case let error as Fault:
      StandardError.write("rnw: a fault of the tool: \(error.underlying)\n")
      Platform.exit(EX_SOFTWARE)
    default:
      break
    }
    // Help and the version are what was asked for; all else of the argument parser's is a message.
    let text = fullMessage(for: error)
    let status = exitCode(for: error).rawValue
    guard !text.isEmpty else { Platform.exit(status) }
    guard status == 0 else {
      StandardError.write(text + "\n")
      Platform.exit(status)
    }
    do {
      try StandardOutput.write(text + "\n")
    } catch {
      end(with: error)
    }
    Platform.exit(status)
  }

  private static func run(_ command: any ParsableCommand) throws {
    var command = command
    do {
      try command.run()
    } catch let error as InputError {
      throw error
    } catch let error as ExitCode {
      throw error
    } catch {
      // What the argument parser throws of its own has a status of its own; the rest is nobody's.
      throw exitCode(for: error) == .failure ? Fault(underlying: error) : error
    }
  }
}

/// The system's own functions, where a command has one of the same name.
private enum Platform {
  static func exit(_ status: Int32) -> Never {
    #if canImport(Glibc)
      Glibc.exit(status)
    #elseif canImport(Musl)
      Musl.exit(status)
    #else
      Darwin.exit(status)
    #endif
  }
}

/// An error that no reader, writer or argument explains.
private struct Fault: Error {
  let underlying: any Error
}

extension InputError.Kind {
  /// The exit status, in the numbers of `sysexits.h`.
  fileprivate var exitStatus: Int32 {
    switch self {
    case .badData: EX_DATAERR
    case .unreadable: EX_NOINPUT
    case .cannotCreate: EX_CANTCREAT
    case .writeFailed: EX_IOERR
    }
  }
}
