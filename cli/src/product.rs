//! What a build has made under one name: the images of its platforms, and how they leave together.

use buildc_ir::Reference;
use buildc_store::export::{Annotation, AnnotationLevel, Form, Member, Release, Statement};
use buildc_store::{ImageRecord, oci};

use crate::failure::Failure;

/// One thing that was built.
#[derive(Debug)]
pub struct Product {
    /// Which of the images its names mean in the store: this machine's platform's, else the first.
    primary: ImageRecord,
    /// Stage, attribute or bake target.
    pub target: String,
    /// One image for each platform, in the order in which they were asked for.
    pub images: Vec<ImageRecord>,
    /// The platforms of the images.
    pub platforms: Vec<oci::Platform>,
    /// What it is called.
    pub names: Vec<Reference>,
    /// What is attested of each image.
    pub statements: Vec<Vec<Statement>>,
    /// Annotations of the command line.
    pub annotations: Vec<Annotation>,
    /// An index even over one image.
    pub always_index: bool,
}

impl Product {
    /// A product of images with their platforms; `None` without any.
    pub fn new(
        target: String,
        built: Vec<(ImageRecord, oci::Platform)>,
        names: Vec<Reference>,
    ) -> Option<Self> {
        let host = oci::Platform::host();
        let fits = |p: &oci::Platform| p.os == host.os && p.architecture == host.architecture;
        let primary = built.iter().find(|(_, platform)| fits(platform)).or(built.first())?.0.clone();
        let (images, platforms) = built.into_iter().unzip();
        let (statements, annotations) = (Vec::new(), Vec::new());
        Some(Self { primary, target, images, platforms, names, statements, annotations, always_index: false })
    }

    /// The image that its names mean in the store.
    pub fn primary(&self) -> &ImageRecord {
        &self.primary
    }

    /// True when it leaves as an index.
    pub fn is_index(&self) -> bool {
        self.always_index || self.images.len() > 1 || self.statements.iter().any(|s| !s.is_empty())
    }

    /// Its image where only one can be taken.
    pub fn only(&self, what: &str) -> Result<&ImageRecord, Failure> {
        match self.images.as_slice() {
            [image] => Ok(image),
            images => {
                Err(Failure::usage(format!("{what} holds one platform, and this builds {}", images.len()))
                    .help("Use type=oci, or build one platform"))
            }
        }
    }

    /// The images as they are to leave in a form.
    pub fn release(&self, form: &Form) -> Result<Release, Failure> {
        let mut form = form.clone();
        form.annotations.extend(self.annotations.iter().cloned());
        let statements = self.statements.iter().cloned().chain(std::iter::repeat(Vec::new()));
        let members = self.images.iter().cloned().zip(statements);
        let members = members.map(|(image, statements)| Member { image, statements }).collect();
        let release = Release { members, form, always_index: self.always_index };
        let on_index =
            |a: &Annotation| matches!(a.level, AnnotationLevel::Index | AnnotationLevel::ManifestDescriptor);
        if !release.is_index() && release.form.annotations.iter().any(on_index) {
            return Err(Failure::usage("An image of one platform has no index to annotate")
                .help("Annotate its manifest, or build several platforms"));
        }
        Ok(release)
    }
}
