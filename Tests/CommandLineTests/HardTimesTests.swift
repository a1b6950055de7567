import FoundationEssentials
import Subprocess
import TestSupport
import Testing

#if canImport(System)
  import System
#else
  import SystemPackage
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What happens where the system gives less than usual, or somebody else touches the files.
@Suite("Hard times")
struct HardTimesTests {
  static let narrow = Fixture.path("keras/narrow.h5")

  @Test(
    "A conversion whose source is cut short at any moment ends with a status and leaves nothing")
  func cutShort() async throws {
    let bytes = try Fixture.bytes("keras/narrow.h5")
    for delay in stride(from: 0, through: 220, by: 20) {
      let folder = try TemporaryFolder()
      let source = try folder.write(bytes, to: "source.h5")
      let result = try await Subprocess.run(
        .path(FilePath(Program.path)), arguments: ["convert", source, "-o", folder.file("x.rnw")],
        input: .none, output: .string(limit: 1 << 20), error: .string(limit: 1 << 16)
      ) { _ in
        try await Task.sleep(for: .milliseconds(delay))
        truncate(source, delay % 40 == 0 ? 0 : bytes.count - 5000)
      }
      guard case .exited(let status) = result.terminationStatus else {
        Issue.record("ended by a signal after \(delay) ms")
        continue
      }
      let isMade = status == 0
      #expect([0, 65, 66].contains(status), "\(result.standardError)")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
          == (isMade ? ["source.h5", "x.rnw"] : ["source.h5"]))
      if !isMade { #expect(result.standardError.split(separator: "\n").count == 1) }
    }
  }

  @Test("Of many programs that make one new file a single one has status 0")
  func oneTarget() async throws {
    let folder = try TemporaryFolder()
    let output = folder.file("x.rnw")
    let statuses = try await withThrowingTaskGroup(of: Int32.self) { group in
      for _ in 0..<8 {
        group.addTask { try await Program.run(["convert", Self.narrow, "-o", output]).status }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses.sorted() == [0] + [Int32](repeating: 73, count: 7))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["x.rnw"])
  }

  @Test("A FIFO that nobody writes is refused at once", .timeLimit(.minutes(30)))
  func fifo() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("fifo")
    #expect(mkfifo(path, 0o600) == 0)
    for arguments in [
      ["inspect", path], ["convert", path], ["verify", path],
      ["convert", Self.narrow, "--input", path], ["convert", Self.narrow, "--reference", path],
    ] {
      let result = try await Program.run(arguments)
      #expect(result.status == 66)
      #expect(result.error.hasPrefix("rnw: \(path): is not a regular file"))
    }
  }

  #if os(Linux)
    @Test(
      "Little memory, few files and small files end with one line and a status, and leave nothing",
      arguments: [
        ("ulimit -v 120000", [0, 65, 66]), ("ulimit -v 300000", [0, 66]),
        ("ulimit -n 6", [0, 66, 73]),
        ("ulimit -n 4", [66, 73, 74]), ("ulimit -f 20", [74]),
      ])
    func limits(_ limit: String, _ statuses: [Int32]) async throws {
      let folder = try TemporaryFolder()
      let output = folder.file("x.rnw")
      let result = try await Subprocess.run(
        .path("/bin/sh"),
        arguments: [
          "-c", "\(limit); exec '\(Program.path)' convert '\(Self.narrow)' -o '\(output)'",
        ], output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
      guard case .exited(let status) = result.terminationStatus else {
        Issue.record("\(limit): \(result.terminationStatus)")
        return
      }
      #expect(statuses.contains(status), "\(status) \(result.standardError)")
      if status != 0 { #expect(result.standardError.hasPrefix("rnw: ")) }
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path)
          == (status == 0 ? ["x.rnw"] : []))
    }

    @Test("A full disk under an HDF5 file is a fault of the output, with the system's reason")
    func fullDisk() async throws {
      let folder = try TemporaryFolder()
      let model = folder.file("x.rnw")
      #expect(try await Program.run(["convert", Self.narrow, "-o", model]).status == 0)
      let output = folder.file("x.h5")
      let result = try await Subprocess.run(
        .path("/bin/sh"),
        arguments: [
          "-c", "ulimit -f 200; exec '\(Program.path)' export '\(model)' -o '\(output)'",
        ],
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
      #expect(result.terminationStatus == .exited(74))
      #expect(result.standardError.contains("File too large"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["x.rnw"])
    }

    @Test("A temporary file that cannot be made or written is told with its folder")
    func temporaryFolder() async throws {
      let folder = try TemporaryFolder()
      for (change, status, said) in [
        ("TMPDIR=/nonexistent", 73, "cannot be made: "),
        ("ulimit -f 0; TMPDIR='\(folder.path)'", 74, "cannot be written"),
      ] {
        for file in ["keras/narrow.keras", "keras/narrow.h5", "keras/narrow.deflated.keras"] {
          let path = Fixture.path(file)
          let result = try await Subprocess.run(
            .path("/bin/sh"),
            arguments: [
              "-c", "\(change); export TMPDIR; exec '\(Program.path)' inspect '\(path)'",
            ],
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
          #expect(result.terminationStatus == .exited(Int32(status)))
          let error = result.standardError
          #expect(error.hasPrefix("rnw: \(path): a temporary file \(said)"), "\(error)")
          let place = status == 73 ? "/nonexistent" : folder.path
          #expect(error.contains("(in the folder \(place))\n"), "\(error)")
        }
      }
      // An empty name is that of no folder.
      let usual = try await Program.run(["inspect", Self.narrow], environment: ["TMPDIR": ""])
      #expect(usual.status == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test("Where it is installed, the program for HDF5 is found in ../libexec")
    func installed() async throws {
      let folder = try TemporaryFolder()
      func inspect(after preparation: String) async throws -> (TerminationStatus, String?) {
        let result = try await Subprocess.run(
          .path("/bin/sh"),
          arguments: [
            "-c", "cd '\(folder.path)' && \(preparation) && exec bin/rnw inspect '\(Self.narrow)'",
          ], output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
        return (result.terminationStatus, result.standardError)
      }
      let missing = try await inspect(after: "mkdir bin libexec && cp '\(Program.path)' bin/rnw")
      #expect(missing.0 == .exited(66))
      #expect(missing.1?.contains("bin/rnw-hdf5: is needed to read HDF5 files") == true)
      let found = try await inspect(after: "cp '\(Program.path)-hdf5' libexec/rnw-hdf5")
      #expect(found.0 == .exited(0))
      #expect(found.1 == "")
    }

    @Test("The program for HDF5 is never looked for in the working directory")
    func workingDirectory() async throws {
      let folder = try TemporaryFolder()
      let trap = try folder.write(
        Array("#!/bin/sh\ntouch '\(folder.path)/sprung'\n".utf8), to: "rnw-hdf5")
      chmod(trap, 0o755)
      let result = try await Subprocess.run(
        .path("/bin/sh"),
        arguments: [
          "-c",
          "cd '\(folder.path)'; PATH=\"$(dirname '\(Program.path)'):$PATH\" rnw inspect '\(Self.narrow)'",
        ], output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
      #expect(result.terminationStatus == .exited(0))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["rnw-hdf5"])
    }
  #endif
}
