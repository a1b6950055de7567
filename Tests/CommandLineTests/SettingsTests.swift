import FoundationEssentials
import Subprocess
import TestSupport
import Testing

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

@Suite("Settings of the system")
struct SettingsTests {
  static let settings = [
    "LC_ALL=C TZ=UTC; umask 022",
    "LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 TZ=Asia/Kathmandu; umask 077",
    "LC_ALL=tr_TR.UTF-8 LANGUAGE=tr TZ=America/St_Johns; umask 0",
  ]

  @Test("The same bytes are written in any locale and time zone, under any mask, at any time")
  func sameBytes() async throws {
    let folder = try TemporaryFolder()
    var files: Set<Data> = []
    for setting in Self.settings {
      let result = try await Subprocess.run(
        .path("/bin/sh"),
        arguments: [
          "-c", "export \(setting); exec \"$0\" \"$@\"", Program.path, "convert",
          Fixture.path("keras/narrow.h5"), "--precision", "int8", "--overwrite", "-o",
          folder.file("x.rnw"),
        ], output: .discarded, error: .string(limit: 1 << 20))
      #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
      files.insert(try Data(contentsOf: URL(filePath: folder.file("x.rnw"))))
    }
    #expect(files.count == 1)
  }
}
