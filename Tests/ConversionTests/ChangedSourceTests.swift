import Comparison
import Crypto
import Files
import FoundationEssentials
import RNW
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Conversion

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Sources that change while they are read")
struct ChangedSourceTests {
  static let sources = [
    "keras/narrow.h5", "keras/narrow.keras", "torch/basic.pth", "torch/basic.safetensors",
  ]

  @Test(
    "A source that changes during a conversion is no PASS, and leaves nothing", arguments: sources)
  func conversion(_ name: String) throws {
    for isShorter in [true, false] {
      let folder = try TemporaryFolder()
      let bytes = try Fixture.bytes(name)
      let path = try folder.write(bytes, to: "source")
      let isDone = Mutex(false)
      let error = #expect(throws: InputError.self) {
        try convert(ConversionRequest(source: path, output: folder.file("x.rnw"))) { _, _ in
          isDone.withLock { isDone in
            guard !isDone else { return }
            isDone = true
            if isShorter { truncate(path, bytes.count / 2) } else { Self.overwrite(path) }
          }
        }
      }
      #expect(error?.kind == .badData)
      #expect(error?.problem == "changed while it was read")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["source"])
    }
  }

  @Test("A source that is too large for a copy is found out as well", arguments: sources)
  func mapped(_ name: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(try Fixture.bytes(name), to: "source")
    let isDone = Mutex(false)
    let error = #expect(throws: InputError.self) {
      try WorkingMemory.$whole.withValue(1) {
        try convert(ConversionRequest(source: path, output: folder.file("x.rnw"))) { _, _ in
          isDone.withLock { isDone in
            if !isDone { Self.overwrite(path) }
            isDone = true
          }
        }
      }
    }
    #expect(error?.problem == "changed while it was read")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["source"])
  }

  @Test("A comparison with a file that changes meanwhile has no verdict", arguments: sources)
  func comparison(_ name: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(try Fixture.bytes(name), to: "source")
    let isDone = Mutex(false)
    let error = #expect(throws: InputError.self) {
      try verify(VerificationRequest(model: path), against: Fixture.path(name)) { _, _ in
        isDone.withLock { isDone in
          if !isDone { Self.overwrite(path) }
          isDone = true
        }
      }
    }
    // A checksum of the container's own may notice it first.
    #expect(["changed while it was read", "has a damaged member"].contains(error?.problem))
  }

  @Test("The digest of the record is that of the bytes that were used", arguments: sources)
  func digest(_ name: String) throws {
    let folder = try TemporaryFolder()
    let output = folder.file("x.rnw")
    _ = try convert(ConversionRequest(source: Fixture.path(name), output: output)) { _, _ in }
    let record: SourceRecord = try RNWFile(path: output).source()
    let digest = SHA256.hash(data: try Fixture.bytes(name)).map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }
    #expect(record.sha256 == digest.joined())
  }

  /// Writes other values over the middle of a file.
  private static func overwrite(_ path: String) {
    let descriptor = open(path, O_RDWR)
    var status = stat()
    fstat(descriptor, &status)
    pwrite(descriptor, [1, 2, 3, 4], 4, status.st_size / 2)
    close(descriptor)
  }
}
