import Files
import FoundationEssentials
import TestSupport
import Testing

@testable import Batch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Digests that are kept", .timeLimit(.minutes(30)))
struct DigestTests {
  /// Longer than the clock that files are stamped by may stand still.
  private static let tick: UInt32 = 40_000

  @Test("A digest is SHA-256")
  func vector() throws {
    let folder = try TemporaryFolder()
    let digest = try #require(FileDigest(path: folder.write(Array("abc".utf8), to: "a")))
    #expect(digest.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(FileDigest.sha256(of: "abc") == digest.sha256)
    let nothing = try #require(FileDigest(path: folder.write([], to: "b")))
    #expect(nothing.sha256.hasPrefix("e3b0c44298fc1c14") && nothing.count == 0)
  }

  @Test("What is no regular file has none, and is not waited for")
  func special() throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo(folder.file("fifo"), 0o600) == 0)
    for path in [folder.file("fifo"), folder.path, folder.file("none"), "/dev/zero"] {
      #expect(FileDigest(path: path) == nil)
    }
  }

  @Test("A file that is changed keeps no digest, also where its size and time are as before")
  func changed() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("one".utf8), to: "a")
    usleep(Self.tick)
    try folder.makeFolder("digests")
    let cache = DigestCache(folder: folder.file("digests"), name: "1-of-1")
    let first = try #require(cache.digest(of: path)).sha256
    cache.save()
    var status = stat()
    stat(path, &status)
    try Data("two".utf8).write(to: URL(filePath: path))
    var times = [status.st_atim, status.st_mtim]
    utimensat(AT_FDCWD, path, &times, 0)
    let other = DigestCache(folder: folder.file("digests"), name: "1-of-1")
    let second = try #require(other.digest(of: path)).sha256
    #expect(second != first)
    #expect(second == FileDigest.sha256(of: "two"))
  }

  @Test("What is kept is used as long as the file is the same, and what is damaged is not")
  func kept() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("one".utf8), to: "a b")
    usleep(Self.tick)
    try folder.makeFolder("digests")
    let cache = DigestCache(folder: folder.file("digests"), name: "1-of-2")
    let digest = try #require(cache.digest(of: path)).sha256
    cache.save()
    let kept = folder.file("digests/1-of-2")
    // Another digest in its place shows that it is what is used.
    let forged = String(repeating: "0", count: 64)
    let text = try String(contentsOfFile: kept, encoding: .utf8)
    #expect(text.contains(digest))
    try Data(text.replacing(digest, with: forged).utf8).write(to: URL(filePath: kept))
    let other = DigestCache(folder: folder.file("digests"), name: "2-of-2")
    #expect(other.digest(of: path)?.sha256 == forged)
    for damaged in ["", "x", "\t\t\t", text.replacing("\t", with: " "), String(text.dropFirst(9))] {
      try Data(damaged.utf8).write(to: URL(filePath: kept))
      #expect(
        DigestCache(folder: folder.file("digests"), name: "1-of-2").digest(of: path)?.sha256
          == digest)
    }
  }
}
