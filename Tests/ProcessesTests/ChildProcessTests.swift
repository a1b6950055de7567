import Files
import Testing

@testable import Processes

@Suite("Programs that are run to their end")
struct ChildProcessTests {
  @Test("A program that cannot be started is named")
  func noProgram() throws {
    let none = try UnnamedFile(for: "x")
    #expect(throws: ChildProcess.Failure.self) {
      try ChildProcess.run(
        "/nowhere/rnw-hdf5", [], input: none, output: none, error: none, environment: [])
    }
  }

  @Test(
    "What a program ends with is told, and what it writes", arguments: ["exit 3", "kill -9 $$"])
  func endings(_ script: String) throws {
    let input = try UnnamedFile(for: "x")
    try input.write(Array("four".utf8))
    let output = try UnnamedFile(for: "x")
    let messages = try UnnamedFile(for: "x")
    let ending = try ChildProcess.run(
      "/bin/sh", ["-c", "cat; echo trouble >&2; \(script)"], input: input, output: output,
      error: messages, environment: [])
    #expect(output.contents(atMost: 100) == Array("four".utf8))
    #expect(messages.contents(atMost: 100) == Array("trouble\n".utf8))
    switch ending {
    case .exited(let status): #expect(status == 3 && script == "exit 3")
    case .signaled(let signal): #expect(signal == 9 && script != "exit 3")
    }
  }
}
