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
        rnw resnet50v2.rnw

      A file alone is inspected. Exit status: 0 done and within limits; 1 compared and out of limits; 64 usage; \
      65 bad input data; 66 input missing or unreadable; 73 or 74 output cannot be made \
      or written; 70 a fault of the tool.
      """,
    version: "rnw \(PackageVersion.text)",
    subcommands: [
      ConvertCommand.self, VerifyCommand.self, JudgeCommand.self, DiffCommand.self,
      BatchCommand.self, MergeCommand.self,
      InspectCommand.self, SummaryCommand.self, RunCommand.self, ExportCommand.self,
      InitCommand.self, BenchCommand.self, FamiliesCommand.self, DoctorCommand.self,
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
      StandardError.write("rnw: \(InputError.memoryProblem)\n")
      Platform.exit(EX_NOINPUT)
    }
    ReadFiles.remember()
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      try ArgumentText.requireUnicode()
      try run(parseAsRoot(Guide.completed(arguments)))
    } catch {
      end(with: error)
    }
  }

  /// Says what happened, and ends with its status.
  private static func end(with error: any Error, of command: any ParsableCommand.Type = Self.self)
    -> Never
  {
    let message: ErrorMessage
    switch error {
    case let error as InputError:
      message = ErrorMessage(error, status: error.kind.exitStatus)
    case let error as Fault:
      message = ErrorMessage("a fault of the tool: \(error.underlying)", status: EX_SOFTWARE)
    case let error as UsageError:
      message = ErrorMessage(error.problem, hint: error.hint, status: EX_USAGE)
    case let error as CommandError:
      end(with: error.underlying, of: error.command)
    default:
      // Help and the version are what was asked for; all else of the argument parser's is a message.
      let text = named(command.fullMessage(for: error), command)
      let status = command.exitCode(for: error).rawValue
      guard !text.isEmpty else { Platform.exit(status) }
      guard status == 0 else {
        message = ErrorMessage(parser: text, status: status)
        break
      }
      do {
        // The tool's own text as it is: in a script of completions nothing may be escaped for a build server.
        try StandardOutput.write(raw: text + "\n")
      } catch {
        end(with: error)
      }
      Platform.exit(status)
    }
    message.tell(asJSON: CommandLine.arguments.contains("--json"))
    Platform.exit(message.status)
  }

  /// The message of a command that does not know what it is a part of.
  private static func named(_ text: String, _ command: any ParsableCommand.Type) -> String {
    guard command != Self.self, let name = command.configuration.commandName else { return text }
    return text.replacing("Usage: \(name)", with: "Usage: rnw \(name)")
      .replacing("See '\(name)", with: "See 'rnw \(name)")
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
      guard exitCode(for: error) != .failure else { throw Fault(underlying: error) }
      throw CommandError(underlying: error, command: type(of: command))
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

/// What a command says of its own options: with its usage, not that of the whole tool.
private struct CommandError: Error {
  let underlying: any Error
  let command: any ParsableCommand.Type
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
