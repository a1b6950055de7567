import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("Damaged HDF5 files")
struct HostileHDF5Tests {
  @Test(
    "A changed byte that would cost gigabytes or minutes is refused in seconds",
    .timeLimit(.minutes(5)),
    arguments: [
      // The size of an attribute's text, and the length of a list in a group's heap.
      ("keras/narrow.h5", [1499: 128], "unreadable attribute"),
      ("keras/narrow.weights.h5", [4128: 0, 4136: 0], "took too long"),
    ] as [(String, [Int: UInt8], String)])
  func bounded(_ name: String, _ changes: [Int: UInt8], _ expected: String) throws {
    var bytes = try Fixture.bytes(name)
    for (offset, value) in changes { bytes[offset] = value }
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, to: "x.h5")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.kind == .badData)
    #expect(error?.problem.contains(expected) == true, "\(error?.problem ?? "")")
  }

  @Test("A program that cannot be started is named")
  func noProgram() throws {
    let none = try UnnamedFile(for: "x")
    #expect(throws: ChildProcess.Failure.self) {
      try ChildProcess.run("/nowhere/rnw-hdf5", [], input: none, output: none, error: none)
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
      error: messages)
    #expect(output.contents(atMost: 100) == Array("four".utf8))
    #expect(messages.contents(atMost: 100) == Array("trouble\n".utf8))
    switch ending {
    case .exited(let status): #expect(status == 3 && script == "exit 3")
    case .signaled(let signal): #expect(signal == 9 && script != "exit 3")
    }
  }
}
