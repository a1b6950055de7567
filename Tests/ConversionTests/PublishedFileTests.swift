import Crypto
import Files
import FoundationEssentials
import RNW
import TestSupport
import Testing
import WeightSources

@testable import Conversion
@testable import Families

@Suite("Published files")
struct PublishedFileTests {
  @Test(
    "A name belongs to one published file of a family, and a digest is whole or its first 8 digits")
  func areDistinct() {
    for family in Family.all {
      let files = family.published
      #expect(Set(files.map(\.name)).count == files.count, "\(family.id)")
      #expect(Set(files.map(\.digest)).count == files.count, "\(family.id)")
      for file in files {
        let whole = [.md5: 32, .sha1: 40, .sha256: 64][file.digest.algorithm]
        #expect([8, whole].contains(file.digest.digits.count), "\(file.name)")
        #expect(file.digest.digits.allSatisfy { "0123456789abcdef".contains($0) }, "\(file.name)")
      }
    }
    #expect(Family.all.flatMap(\.published).count == 43)
  }

  @Test(
    "A published file is named whatever it is called, in the file that is written too",
    arguments: [PublishedFile.Algorithm.md5, .sha1, .sha256])
  func isNamed(_ algorithm: PublishedFile.Algorithm) throws {
    let folder = try TemporaryFolder()
    let content = try Data(contentsOf: URL(filePath: Fixture.path("keras/narrow.h5")))
    try content.write(to: URL(filePath: folder.file("mine.h5")))
    var request = ConversionRequest(source: folder.file("mine.h5"), output: folder.file("x.rnw"))
    request.family = family(published: content, algorithm, name: "narrow.h5")

    let outcome = try convert(request) { _, _ in }

    let words = "A narrow network (\(algorithm.rawValue) \(digest(content, algorithm)))"
    #expect(outcome.publication?.words == words)
    let record: SourceRecord = try RNWFile(path: folder.file("x.rnw")).source(as: SourceRecord.self)
    #expect(record.published == words)
  }

  @Test("A file that is only called like a published one is said to be another")
  func isRemarkedOn() throws {
    let folder = try TemporaryFolder()
    var content = try Data(contentsOf: URL(filePath: Fixture.path("torch/basic.safetensors")))
    let family = family(published: content, .sha256, name: "mine.safetensors", of: .torch)
    // A weight by another bit.
    content[content.count - 3] ^= 1
    try content.write(to: URL(filePath: folder.file("mine.safetensors")))
    try content.write(to: URL(filePath: folder.file("other.safetensors")))

    let found = try #require(
      try Model(path: folder.file("mine.safetensors"), family: family).publication())
    #expect(!found.isSame)
    #expect(found.words.hasPrefix("not the published mine.safetensors (A narrow network)"))
    // Of the same size, and neither called so nor the same.
    #expect(
      try Model(path: folder.file("other.safetensors"), family: family).publication() == nil)
  }

  @Test("`inspect` says that a file only has the name of a published one")
  func inspection() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("resnet50v2_weights_tf_dim_ordering_tf_kernels.h5")
    try FileManager.default.copyItem(atPath: Fixture.path("keras/narrow.h5"), toPath: path)
    let inspection = try inspect(path, readsValues: false)
    let publication = try #require(inspection.publication)
    #expect(!publication.isSame && publication.algorithm == "md5")
    #expect(publication.title == "Keras Applications ResNet50V2, ImageNet")
  }

  private func family(
    published content: Data, _ algorithm: PublishedFile.Algorithm, name: String,
    of family: Family = .keras
  ) -> Family {
    var family = family
    family.published = [
      PublishedFile(
        name: name, title: "A narrow network",
        digest: .init(algorithm: algorithm, digits: digest(content, algorithm)),
        byteCount: content.count)
    ]
    return family
  }

  private func digest(_ content: Data, _ algorithm: PublishedFile.Algorithm) -> String {
    let bytes: [UInt8] =
      switch algorithm {
      case .md5: Array(Insecure.MD5.hash(data: content))
      case .sha1: Array(Insecure.SHA1.hash(data: content))
      case .sha256: Array(SHA256.hash(data: content))
      }
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
