import Files
import FoundationEssentials
import TestSupport
import Testing

@testable import Processes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Programs that are run within limits", .timeLimit(.minutes(30)))
struct LimitedRunTests {
  private func run(
    _ command: String, seconds: Int = 60, memory: Int = 0, output: Int = 1 << 20
  ) throws -> LimitedRun {
    var limits = LimitedRun.Limits(seconds: seconds, memory: memory)
    limits.output = output
    return try LimitedRun("/bin/sh", ["-c", command], limits: limits)
  }

  @Test("What a program writes and its status are told, and what it took")
  func output() throws {
    let run = try run("echo out; echo first >&2; echo last >&2; exit 3")
    #expect(run.ending == .exited(3))
    #expect(run.output == Array("out\n".utf8))
    #expect(run.lastWords == "last")
    #expect(run.peakBytes > 0 && run.milliseconds >= 0 && run.processorMilliseconds >= 0)
  }

  @Test("Nothing stands on its standard input")
  func noInput() throws {
    #expect(try run("cat; echo done").output == Array("done\n".utf8))
  }

  @Test("A signal that ends it is told by its number", arguments: [SIGSEGV, SIGKILL, SIGABRT])
  func signal(_ number: Int32) throws {
    let run = try run("kill -\(number) $$")
    #expect(run.ending == .signaled(number), "\(run.messages)")
  }

  @Test(
    "What takes too long is ended, whether it sleeps, works or has closed its output",
    arguments: [
      "sleep 600", "while :; do :; done", "exec >&-; sleep 600", "trap '' TERM; sleep 600",
    ])
  func tooLong(_ command: String) throws {
    #expect(try run(command, seconds: 1).ending == .tooLong)
  }

  @Test("What writes without an end is ended")
  func tooMuch() throws {
    let run = try run(
      "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", output: 1 << 14)
    #expect(run.ending == .tooMuch)
    #expect(run.output.count < 1 << 20)
  }

  @Test("What it has started ends with it", arguments: [0, 1])
  func grandchild(_ kind: Int) throws {
    let folder = try TemporaryFolder()
    let mark = folder.file("pid")
    // The second goes on after its parent has ended, and holds neither stream.
    let command = "sleep 600 >/dev/null 2>&1 & echo $! > \(mark); " + ["wait", "exit 0"][kind]
    let ending = try run(command, seconds: 1).ending
    #expect(ending == (kind == 0 ? .tooLong : .exited(0)))
    let text = try String(contentsOfFile: mark, encoding: .utf8)
    let process = try #require(pid_t(text.trimmingWhitespace))
    for _ in 0..<200 where kill(process, 0) == 0 && !isZombie(process) { usleep(10_000) }
    #expect(kill(process, 0) != 0 || isZombie(process))
  }

  #if os(Linux)
    @Test("A program gets no more memory than it may have")
    func memory() throws {
      // The shell itself needs little; a string that doubles needs all that there is.
      let command = "x=0123456789abcdef; while :; do x=$x$x; done"
      let run = try run(command, memory: 64 << 20)
      #expect(run.ending != .exited(0) && run.ending != .tooLong)
      #expect(run.peakBytes < max(128 << 20, ownPeakBytes))
    }

    /// What this process has had at most: a program begins as a copy of the process that starts it, and the system counts that as its own.
    private var ownPeakBytes: Int {
      let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
      return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) * 1024 + (1 << 20)
    }
  #endif

  @Test("A program that is not there is an error of its path")
  func missing() {
    let error = #expect(throws: InputError.self) {
      _ = try LimitedRun("/nowhere/rnw", [], limits: .init(seconds: 1, memory: 0))
    }
    #expect(error?.path == "/nowhere/rnw")
  }

  @Test("Of many at once each has its own output")
  func many() async throws {
    let outputs = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<16 {
        group.addTask {
          let run = try LimitedRun(
            "/bin/sh", ["-c", "echo \(number)"], limits: .init(seconds: 60, memory: 0))
          return String(decoding: run.output, as: UTF8.self)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outputs.sorted() == (0..<16).map { "\($0)\n" }.sorted())
  }
}

/// Whether a process has ended and nobody has taken its status yet.
private func isZombie(_ process: pid_t) -> Bool {
  let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
  return text.contains(") Z")
}

extension String {
  fileprivate var trimmingWhitespace: String { filter { !$0.isWhitespace } }
}
