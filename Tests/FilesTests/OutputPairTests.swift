import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Two output files of which one names the other")
struct OutputPairTests {
  private static func write(
    _ text: String, in folder: TemporaryFolder, replacing: Bool, calls: SystemCalls = .system
  ) throws {
    let output = try OutputFile(path: folder.file("m"), replacing: replacing, calls: calls)
    let part = try output.beside(".data")
    try part.write(Array("\(text) data".utf8), at: 0)
    try output.write(Array("\(text) model".utf8), at: 0)
    try output.commit(with: part)
  }

  private static func content(_ folder: TemporaryFolder) throws -> [String: String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, String(decoding: try folder.read($0), as: UTF8.self)) }
    )
  }

  private static func pair(_ text: String) -> [String: String] {
    ["m": "\(text) model", "m.data": "\(text) data"]
  }

  @Test("Both have all their bytes, new and in place of others, and leave nothing else behind")
  func commits() throws {
    let folder = try TemporaryFolder()
    try Self.write("old", in: folder, replacing: false)
    #expect(try Self.content(folder) == Self.pair("old"))
    try Self.write("new", in: folder, replacing: true)
    #expect(try Self.content(folder) == Self.pair("new"))
  }

  @Test(
    "Either one that is there is not replaced without being told so", arguments: ["m", "m.data"])
  func refusals(_ name: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(Array("theirs".utf8), to: name)
    let error = #expect(throws: InputError.self) {
      try Self.write("new", in: folder, replacing: false)
    }
    #expect(error?.problem == "exists already" && error?.path == folder.file(name))
    #expect(try Self.content(folder) == [name: "theirs"])
    // An input is not replaced even then, and no other kind of file.
    let identity = try MappedFile(path: folder.file(name)).identity
    #expect(throws: InputError.self) {
      try OutputFile(path: folder.file("m"), replacing: true, inputs: [identity]).beside(".data")
    }
    try folder.remove(name)
    try folder.makeFolder(name)
    #expect(throws: InputError.self) { try Self.write("new", in: folder, replacing: true) }
  }

  @Test("One that appears meanwhile is not replaced, and the other is not left alone")
  func appears() throws {
    for name in ["m", "m.data"] {
      let folder = try TemporaryFolder()
      do {
        let output = try OutputFile(path: folder.file("m"), replacing: false)
        let part = try output.beside(".data")
        _ = try folder.write(Array("theirs".utf8), to: name)
        #expect(throws: InputError.self) { try output.commit(with: part) }
      }
      #expect(try Self.content(folder) == [name: "theirs"])
    }
  }

  /// A call that gives or takes a name, or makes one durable.
  enum Call: CaseIterable {
    case rename
    case renameNew
    case sync

    /// The system's calls, before each of which the folder is looked at, and of which the nth fails.
    func calls(failing nth: Int, look: @escaping @Sendable () -> Void) -> SystemCalls {
      let count = Mutex(0)
      @Sendable func fails(_ call: Call) -> Bool {
        look()
        guard call == self else { return false }
        let number = count.withLock { count in
          count += 1
          return count
        }
        errno = EIO
        return number == nth
      }
      var calls = SystemCalls.system
      calls.rename = { fails(.rename) ? -1 : SystemCalls.system.rename($0, $1) }
      calls.renameNew = { fails(.renameNew) ? -1 : SystemCalls.system.renameNew($0, $1) }
      calls.sync = { fails(.sync) ? -1 : SystemCalls.system.sync($0) }
      return calls
    }
  }

  @Test(
    "Whichever call fails, and at every moment, there are both old files, both new ones, or no model",
    arguments: Call.allCases, [true, false])
  func failures(_ call: Call, _ isReplacing: Bool) throws {
    var failed = 0
    for nth in 1...12 {
      let folder = try TemporaryFolder()
      if isReplacing { try Self.write("old", in: folder, replacing: false) }
      let wrong = Mutex<[[String: String]]>([])
      let calls = call.calls(failing: nth) {
        guard let now = try? Self.content(folder).filter({ !$0.key.hasPrefix(".") }) else { return }
        let isRight = now["m"] == nil || now == Self.pair("old") || now == Self.pair("new")
        if !isRight { wrong.withLock { $0.append(now) } }
      }
      let old = isReplacing ? Self.pair("old") : [:]
      do {
        try Self.write("new", in: folder, replacing: isReplacing, calls: calls)
        #expect(try Self.content(folder) == Self.pair("new"))
      } catch {
        failed += 1
        #expect(error is InputError)
        let now = try Self.content(folder)
        #expect(now == old || now == Self.pair("new"), "\(nth): \(now)")
      }
      #expect(wrong.withLock { $0 } == [])
    }
    #expect(failed > 0 || (call == .renameNew) == isReplacing)
  }
}
