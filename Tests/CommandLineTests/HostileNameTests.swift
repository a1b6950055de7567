import FoundationEssentials
import TestSupport
import Testing

/// Names come from files of strangers; what is printed goes to terminals, build servers and parsers.
@Suite("Hostile names")
struct HostileNameTests {
  static let names = [
    "::set-output name=a::b", "  ::error::x", "##vso[task.setvariable variable=x]y", "##[command]z",
    "a\u{85}b", "a\u{7F}b", "a\u{202E}b", "a\u{200B}b", "a\u{FFFE}b", "a\u{1B}[31mb",
    "x\n::error::y",
    "a\u{115F}b", String(repeating: "n", count: 1000),
    "e" + String(repeating: "\u{301}", count: 400),
  ]

  @Test("Nothing that is printed is a command, changes a terminal, or is longer than a line can be")
  func text() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Self.safetensors(), to: "hostile.safetensors")
    for arguments in [
      ["inspect", file], ["inspect", file, "--stats"], ["convert", file],
      ["diff", file, Fixture.path("keras/narrow.h5"), "--by-name", "--all"],
      ["diff", Fixture.path("keras/narrow.h5"), file, "--by-name"],
    ] {
      let result = try await Program.run(arguments)
      let text = result.output + result.error
      for line in text.split(separator: "\n") {
        #expect(line.drop { $0 == " " }.hasPrefix("::") == false)
        #expect(line.unicodeScalars.count < 1500)
      }
      #expect(!text.contains("##"))
      let unseen = text.unicodeScalars.filter {
        $0 != "\n" && ($0.value < 0x20 || (0x7F...0x9F).contains($0.value))
          || ["\u{202E}", "\u{200B}", "\u{FFFE}", "\u{115F}"].contains($0)
      }
      #expect(unseen.isEmpty)
    }
  }

  @Test("A JSON document shows what is in it, and is read as it was meant")
  func json() async throws {
    struct Document: Decodable {
      let tensors: [Tensor]

      struct Tensor: Decodable { let name: String }
    }
    let folder = try TemporaryFolder()
    let file = try folder.write(Self.safetensors(), to: "hostile.safetensors")
    let result = try await Program.run(["inspect", file, "--json"])
    let seen = result.output.unicodeScalars
    #expect(!seen.contains { $0 != "\n" && ($0.value < 0x20 || (0x7F...0x9F).contains($0.value)) })
    #expect(!seen.contains { ["\u{202E}", "\u{200B}", "\u{FFFE}"].contains($0) })
    #expect(!result.output.contains("##"))
    let document = try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
    #expect(Set(document.tensors.map(\.name)) == Set(Self.names))
  }

  /// A file of one value under each name.
  private static func safetensors() throws -> [UInt8] {
    struct Entry: Encodable {
      let dtype = "F32"
      let shape = [1]
      let data_offsets: [Int]
    }
    let entries = Dictionary(
      uniqueKeysWithValues: names.enumerated().map { index, name in
        (name, Entry(data_offsets: [4 * index, 4 * index + 4]))
      })
    var header = [UInt8](try JSONEncoder().encode(entries))
    while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { [UInt8]($0) }
    return length + header + [UInt8](repeating: 0, count: 4 * names.count)
  }
}
